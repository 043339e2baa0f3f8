import { describe, expect, it } from '@jest/globals';
import { readCases } from './read-case.js';
import { testCases } from './test-cases.js';

const cases = readCases('cases');

describe('What servers send and take', () => {
  it('has all of its cases', () => expect(cases).toHaveLength(111));

  testCases(cases.filter(({ program }) => program === undefined));
});
