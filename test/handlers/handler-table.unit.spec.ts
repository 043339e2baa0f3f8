import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from '@jest/globals';
import { compileTable } from '../../src/handlers/handler-scope.js';

/** Whether V8 stores an object with fast properties, not as a dictionary that is searched on each access. */
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

it('a table of handlers has fast properties, not V8’s dictionary mode', () => {
  expect(hasFastProperties(compileTable([]))).toBe(true);
});
