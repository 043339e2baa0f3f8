import { describeEqualsRaw } from './equals-raw/describe.js';

describeEqualsRaw(Array.from({ length: 500 }, (_, i) => i + 1));
