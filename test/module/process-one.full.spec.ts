import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { dropRedisKeys } from '../support/job-stores.js';
import { compileLibrary } from '../support/second-process/compile.js';
import { describeWith, describeWithRedis, REDIS_URL } from '../support/services.js';

const APP = join(process.cwd(), 'test/support/second-process/process-one-app.mjs');
const DRAIN_MS = 300;

/** Starts a process with PID 1 in its own namespace, as a container does; a user namespace replaces root rights. */
const unshare = [
  ['-pf', '--kill-child'],
  ['-Urpf', '--kill-child'],
].find((options) => spawnSync('unshare', [...options, 'true']).status === 0);

let library: Awaited<ReturnType<typeof compileLibrary>>;
beforeAll(async () => void (library = await compileLibrary()));
afterAll(() => library.remove());

/** Collects the output of the application until its process exits. */
async function terminate(command: string, args: readonly string[], prefix: string) {
  const settings = JSON.stringify({ drainMs: DRAIN_MS, redisUrl: REDIS_URL, prefix });
  const app = spawn(command, [...args, APP, library.folder, settings], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(app, 'exit') as Promise<[code: number | null, signal: string | null]>;
  const lines: string[] = [];
  try {
    for await (const line of createInterface(app.stdout)) {
      lines.push(line);
      if (line === 'loaded') process.kill(innermost(app, command), 'SIGTERM');
    }
    const [code, signal] = await exited;
    const of = (kind: string) =>
      lines.filter((line) => line.startsWith(`${kind} `)).map((line) => line.split(' ').slice(1));
    return { code, signal, lines, of };
  } finally {
    app.kill('SIGKILL');
  }
}

/** The application's process; `unshare` waits for it. */
function innermost({ pid }: ChildProcess, command: string): number {
  if (command !== 'unshare') return pid!;
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}

function expectAllEnded({ of, lines }: Awaited<ReturnType<typeof terminate>>): void {
  const runs = new Map<string, string[]>();
  for (const [runId = '', type = ''] of of('event')) {
    if (type !== 'callback.error') runs.set(runId, [...(runs.get(runId) ?? []), type]);
  }
  // Eight runs; each agent contains a call and a tool.
  expect(runs.size).toBe(8 + 1 + 3 * 2);
  for (const types of runs.values()) {
    expect(types[0]).toMatch(/\.start$/);
    expect(types.filter((type) => /\.(end|error)$/.test(type))).toHaveLength(1);
    expect(types.at(-1)).toMatch(/\.(end|error)$/);
  }
  // No caller waits any more.
  expect(lines.filter((line) => line === 'settled')).toHaveLength(Number(of('begun')[0]![0]));
}

describeWithRedis('SIGTERM to an application with everything under way', () => {
  it('ends every run once, and the process exits although tools keep it alive', async () => {
    const prefix = `test-${randomUUID()}`;
    const app = await terminate(process.execPath, [], prefix);
    await dropRedisKeys(prefix);
    expectAllEnded(app);
    expect(app.signal).toBe('SIGTERM');
  });

  describeWith('unshare', unshare !== undefined, 'that is process 1, as in a container', () => {
    it('ends every run once, and the process exits although tools keep it alive', async () => {
      const prefix = `test-${randomUUID()}`;
      const app = await terminate('unshare', [...unshare!, process.execPath], prefix);
      await dropRedisKeys(prefix);
      expectAllEnded(app);
      // 128 plus the number of SIGTERM, the exit code that containers report.
      expect(app.code).toBe(143);
    });
  });
});
