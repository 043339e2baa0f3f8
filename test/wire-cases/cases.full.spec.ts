import { describe } from '@jest/globals';
import { isStreamed, readCases } from './read-case.js';
import { testCases } from './test-cases.js';

describe('Recorded provider answers, in small pieces', () => {
  testCases(
    readCases('cases').filter((given) => given.program === undefined && isStreamed(given)),
    ['byte by byte'],
  );
});
