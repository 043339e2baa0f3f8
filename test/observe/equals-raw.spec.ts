import { describeEqualsRaw } from './equals-raw/describe.js';

describeEqualsRaw(Array.from({ length: 25 }, (_, i) => i + 1));
