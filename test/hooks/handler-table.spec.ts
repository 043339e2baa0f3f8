import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from '@jest/globals';
import { compileTable } from '../../src/handlers/handler-table.js';

/** Whether an object is none of V8's dictionaries, whose properties are looked up each time. */
function hasFastProperties(object: object): boolean {
  setFlagsFromString('--allow-natives-syntax');
  try {
    return (runInNewContext('(one) => %HasFastProperties(one)') as (one: object) => boolean)(
      object,
    );
  } finally {
    setFlagsFromString('--no-allow-natives-syntax');
  }
}

it('a table of handlers is no dictionary', () => {
  expect(hasFastProperties(compileTable([]))).toBe(true);
});
