import { itLeavesNothingBehind } from '../support/chaos/check.js';

itLeavesNothingBehind(
  'Calls of every kind under faults, with the retries of the SDKs, leave nothing behind',
  3_000,
  2,
  false,
);
