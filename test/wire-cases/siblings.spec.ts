import { describe } from '@jest/globals';
import { scaledList } from '../support/scale.js';
import { DIVISIONS } from './pieces.js';
import { readCases } from './read-case.js';
import { testCases } from './test-cases.js';

describe('Variants of recorded provider answers', () => {
  testCases(
    readCases('siblings').filter(({ program }) => program === undefined),
    scaledList(DIVISIONS, 1),
  );
});
