import { describe } from '@jest/globals';
import { isStreamed, readCases } from './read-case.js';
import { testCases } from './test-cases.js';

describe('Variants of recorded provider answers', () => {
  testCases(
    readCases('siblings').filter(({ program }) => program === undefined),
    ['whole'],
  );
});

describe('Variants of recorded provider answers, in small pieces', () => {
  testCases(
    readCases('siblings').filter((given) => given.program === undefined && isStreamed(given)),
    ['cut at random places', 'byte by byte'],
  );
});
