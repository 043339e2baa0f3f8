import { itLeavesNothingBehind } from '../support/chaos/check.js';
import { scaled } from '../support/scale.js';

itLeavesNothingBehind(
  'Calls of every kind under faults, with the retries of the SDKs, leave nothing behind',
  scaled(3_000),
  2,
  false,
);
