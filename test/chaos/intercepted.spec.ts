import { itLeavesNothingBehind } from '../support/chaos/check.js';

itLeavesNothingBehind(
  'Calls of every kind under faults, through interceptors and limiters, leave nothing behind',
  2_500,
  1,
  true,
);
