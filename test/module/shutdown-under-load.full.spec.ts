import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { compileLibrary } from '../support/second-process/compile.js';

const APP = join(process.cwd(), 'test/support/second-process/loaded-app.mjs');
const CALLS = 120;
/** By the clock of the process, whose milliseconds are turns of its event loop. */
const DRAIN_MS = 5_000;

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
  const { signal, of, settled } = await terminate(DRAIN_MS);

  // It exited by itself, even with stalled requests.
  expect(signal).toBe('SIGTERM');
  expect(settled).toBe(CALLS + 1);
  const runs = new Map<string, string[]>();
  for (const [runId = '', type = ''] of of('awaited')) {
    runs.set(runId, [...(runs.get(runId) ?? []), type]);
  }
  // Agents and chains contain calls; one more agent calls a tool that ignores its signal.
  expect(runs.size).toBe(CALLS * 1.5 + 3);
  for (const types of runs.values()) {
    expect(types[0]).toMatch(/\.start$/);
    expect(types.filter((type) => /\.(end|error)$/.test(type))).toHaveLength(1);
    expect(types.at(-1)).toMatch(/\.(end|error)$/);
  }
  const warnings = of('warn').map((words) => words.join(' '));
  expect(warnings).toContainEqual(expect.stringMatching(/^\d+ runs did not end within 5000 ms/));
  const left = warnings
    .map((warning) => /^(\d+) calls of handlers in the background/.exec(warning)?.[1])
    .reduce((sum, count) => sum + Number(count ?? 0), 0);
  expect(left).toBeGreaterThan(0);
  // It waited for `drainMs` once, and the process has a second for the rest.
  const [[lived]] = of('lived') as [[string]];
  expect(Number(lived)).toBeGreaterThanOrEqual(DRAIN_MS);
  expect(Number(lived)).toBeLessThanOrEqual(DRAIN_MS + 1_000);
  expect(new Set(of('background').map(([runId]) => runId)).size + left).toBe(runs.size);
});
