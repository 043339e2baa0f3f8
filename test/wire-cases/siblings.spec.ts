import { describe } from '@jest/globals';
import { readCases } from './read-case.js';
import { testCases } from './test-cases.js';

describe('Variants of recorded provider answers', () => {
  testCases(
    readCases('siblings').filter(({ program }) => program === undefined),
    ['whole'],
  );
});
