import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Redis } from 'ioredis';
import { OnLlmEnd, type LlmEndEvent } from 'nestjs-llm-callbacks';
import { BullmqJobQueue } from 'nestjs-llm-callbacks/bullmq';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../support/app.js';
import { describeJobStores, dropRedisKeys } from '../support/job-stores.js';
import { compileLibrary } from '../support/second-process/compile.js';
import { REDIS_URL } from '../support/services.js';

const CONCURRENCY = 20;
const WORKER = join(process.cwd(), 'test/support/second-process/durable-worker.mjs');

@Injectable()
class Audit {
  @OnLlmEnd({ background: 'durable', name: 'audit' }) paid(_: LlmEndEvent) {
    throw new Error('This process has no worker.');
  }
}

let library: Awaited<ReturnType<typeof compileLibrary>>;
const workers = new Set<ChildProcess>();

beforeAll(async () => void (library = await compileLibrary()));
afterAll(() => library.remove());
afterEach(async () => {
  await closeApps();
  for (const worker of workers) await kill(worker);
});

async function kill(worker: ChildProcess): Promise<void> {
  workers.delete(worker);
  if (worker.exitCode !== null || worker.signalCode !== null) return;
  const exited = once(worker, 'exit');
  worker.kill('SIGKILL');
  await exited;
}

describeJobStores('A durable handler whose process is killed twice', (newStore) => {
  it('is called for every event at least once, and twice only at the kills', async () => {
    const store = await newStore();
    // PostgreSQL accepts some hundred jobs a second.
    const count = 'prefix' in store.options ? 2_000 : 200;
    const doneKey = `test-${randomUUID()}`;
    const redis = new Redis(REDIS_URL);
    const start = () => {
      const queue = { ...store.options, concurrency: CONCURRENCY, lockDurationMs: 1_000 };
      const settings = JSON.stringify({ queue, redisUrl: REDIS_URL, doneKey });
      const worker = fork(WORKER, [library.folder, settings], { execArgv: [] });
      workers.add(worker);
      return worker;
    };
    const isDone = async (least: number) => {
      while ((await redis.hlen(doneKey)) < least) await delay(5);
    };

    try {
      const recording = new RecordingCallbacks();
      const queue = new BullmqJobQueue({ ...store.options, worker: false });
      const { llm } = await startApp(
        { providers: [Audit] },
        {
          callbacks: [recording],
          // All at once, on a machine that others also use.
          background: { queue, addTimeoutMs: 60_000 },
          answers: Array(count).fill('hello'),
        },
      );
      const first = start();
      await Promise.all(Array.from({ length: count }, () => llm.generate('hi')));
      expect(recording.of('callback.error')).toEqual([]);
      await isDone(count * 0.2);
      await kill(first);
      const second = start();
      await isDone(count * 0.6);
      await kill(second);
      start();
      await isDone(count);

      const done = await redis.hgetall(doneKey);
      const eventIds = recording.of('llm.end').map(({ eventId }) => eventId);
      expect(Object.keys(done).toSorted()).toEqual(eventIds.toSorted());
      const twice = Object.keys(done).filter((eventId) => Number(done[eventId]) > 1);
      const ofKilled = await Promise.all(
        [first, second].map(({ pid }) => redis.lrange(`${doneKey}:${pid}`, 0, -1)),
      );
      for (const eventId of twice) expect(ofKilled.flat()).toContain(eventId);
      expect(twice.length).toBeLessThanOrEqual(2 * CONCURRENCY);
      expect(await queue.deadLetters()).toEqual([]);
    } finally {
      await redis.quit();
      for (const worker of workers) await kill(worker);
      await closeApps();
      await dropRedisKeys(doneKey);
      await store.drop();
    }
  });
});
