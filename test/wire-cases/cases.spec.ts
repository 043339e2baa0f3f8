import { describe, expect, it } from '@jest/globals';
import { readCases } from './read-case.js';
import { testCases } from './test-cases.js';

const cases = readCases('cases');

describe('Recorded provider answers', () => {
  it('include all cases', () => expect(cases).toHaveLength(111));

  testCases(
    cases.filter(({ program }) => program === undefined),
    ['whole', 'cut at random places'],
  );
});
