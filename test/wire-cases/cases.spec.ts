import { describe, expect, it } from '@jest/globals';
import { scaledList } from '../support/scale.js';
import { DIVISIONS } from './pieces.js';
import { readCases } from './read-case.js';
import { testCases } from './test-cases.js';

const cases = readCases('cases');

describe('What servers send and take', () => {
  it('has all of its cases', () => expect(cases).toHaveLength(111));

  testCases(
    cases.filter(({ program }) => program === undefined),
    scaledList(DIVISIONS, 2),
  );
});
