import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { compileLibrary } from '../support/second-process/compile.js';

const APP = join(process.cwd(), 'test/support/second-process/chaos-app.mjs');
const CALLS = 400;

let library: Awaited<ReturnType<typeof compileLibrary>>;
beforeAll(async () => void (library = await compileLibrary('chaos', 'wire')));
afterAll(() => library.remove());

it.each([
  ['with interceptors', true],
  ['with the retries of the SDKs', false],
])('A process exits by itself after faults and a close, %s', async (_name, isIntercepted) => {
  const settings = JSON.stringify({ calls: CALLS, seed: 3, isIntercepted });
  const child = fork(APP, [library.folder, settings], { execArgv: [], silent: true });
  const said = text(child.stderr!);
  try {
    const exited = once(child, 'exit');
    const message = await Promise.race([once(child, 'message'), exited]);
    expect(message).toEqual([{ events: expect.any(Number), badRuns: [] }, undefined]);
    // The test does not stop it: an open handle would exceed the timeout of the test.
    expect(await exited).toEqual([0, null]);
    expect(await said).toBe('');
  } finally {
    child.kill('SIGKILL');
  }
});
