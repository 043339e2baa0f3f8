import { itLeavesNothingBehind } from '../support/chaos/check.js';
import { scaled } from '../support/scale.js';

itLeavesNothingBehind(
  'Calls of every kind under faults, through interceptors and limiters, leave nothing behind',
  scaled(2_000),
  1,
  true,
);
