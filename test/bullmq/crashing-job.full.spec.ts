import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { OnLlmEnd, type LlmEndEvent } from 'nestjs-llm-callbacks';
import { BullmqJobQueue } from 'nestjs-llm-callbacks/bullmq';
import { closeApps, startApp } from '../support/app.js';
import { describeJobStores } from '../support/job-stores.js';
import { compileLibrary } from '../support/second-process/compile.js';

const WORKER = join(process.cwd(), 'test/support/second-process/crashing-worker.mjs');
const ATTEMPTS = 2;

@Injectable()
class Audit {
  @OnLlmEnd({ background: 'durable', name: 'audit' }) paid(_: LlmEndEvent) {
    throw new Error('This process has no worker.');
  }
}

let library: Awaited<ReturnType<typeof compileLibrary>>;
let worker: ChildProcess | undefined;
beforeAll(async () => void (library = await compileLibrary()));
afterAll(() => library.remove());
afterEach(closeApps);

describeJobStores('A job that crashes its process', (newStore) => {
  it('is started `attempts` times, and is a dead letter then', async () => {
    const store = await newStore();
    const options = { ...store.options, attempts: ATTEMPTS, lockDurationMs: 400 };
    const settings = JSON.stringify({ queue: options });
    try {
      const queue = new BullmqJobQueue({ ...options, worker: false });
      const { llm } = await startApp({ providers: [Audit] }, { background: { queue } });
      await llm.generate('hi');
      let starts = 0;
      // Processes are restarted, as by an orchestrator, until the job is given up.
      while ((await queue.deadLetters()).length === 0) {
        worker ??= fork(WORKER, [library.folder, settings], { execArgv: [] })
          .on('message', (message) => void (starts += message === 'started' ? 1 : 0))
          .on('exit', () => (worker = undefined));
        await delay(20);
      }
      expect(starts).toBe(ATTEMPTS);
      expect(await queue.deadLetters()).toMatchObject([{ job: { handler: 'audit' } }]);
    } finally {
      const running = worker;
      if (running !== undefined) {
        const exited = once(running, 'exit');
        running.kill('SIGKILL');
        await exited;
      }
      await closeApps();
      await store.drop();
    }
  });
});
