import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { compileLibrary } from '../support/second-process/compile.js';

const APP = join(process.cwd(), 'test/support/second-process/loaded-app.mjs');
const CALLS = 120;

let library: Awaited<ReturnType<typeof compileLibrary>>;
beforeAll(async () => void (library = await compileLibrary()));
afterAll(() => library.remove());

/** The output of an application under load until its process exits, and how it exited. */
async function terminate(drainMs: number) {
  const settings = JSON.stringify({ calls: CALLS, drainMs });
  const app = fork(APP, [library.folder, settings], { execArgv: [], silent: true });
  const exited = once(app, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const said = text(app.stdout!);
  try {
    await once(app, 'message');
    app.kill('SIGTERM');
    const [, signal] = await exited;
    const lines = (await said).trim().split('\n');
    const of = (kind: string) =>
      lines.filter((line) => line.startsWith(`${kind} `)).map((line) => line.split(' ').slice(1));
    return { signal, of, settled: lines.filter((line) => line === 'settled').length };
  } finally {
    app.kill('SIGKILL');
  }
}

it('A process stopped under load ends every run, loses no awaited handler, and reports what is unfinished', async () => {
  const { signal, of, settled } = await terminate(300);

  // It exited by itself, even with stalled requests.
  expect(signal).toBe('SIGTERM');
  expect(settled).toBe(CALLS);
  const runs = new Map<string, string[]>();
  for (const [runId = '', type = ''] of of('awaited')) {
    runs.set(runId, [...(runs.get(runId) ?? []), type]);
  }
  // Agents and chains contain calls.
  expect(runs.size).toBe(CALLS * 1.5);
  for (const types of runs.values()) {
    expect(types[0]).toMatch(/\.start$/);
    expect(types.filter((type) => /\.(end|error)$/.test(type))).toHaveLength(1);
    expect(types.at(-1)).toMatch(/\.(end|error)$/);
  }
  const warnings = of('warn').map((words) => words.join(' '));
  expect(warnings).toContainEqual(expect.stringMatching(/^\d+ runs did not end within 300 ms/));
  const left = warnings
    .map((warning) => /^(\d+) calls of handlers in the background/.exec(warning)?.[1])
    .reduce((sum, count) => sum + Number(count ?? 0), 0);
  expect(left).toBeGreaterThan(0);
  expect(new Set(of('background').map(([runId]) => runId)).size + left).toBe(runs.size);
});
