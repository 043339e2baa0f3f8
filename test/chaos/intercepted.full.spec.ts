import { itLeavesNothingBehind } from '../support/chaos/check.js';

itLeavesNothingBehind(
  'Calls of every kind under faults, through interceptors and limiters, leave nothing behind',
  2_000,
  1,
  true,
);
