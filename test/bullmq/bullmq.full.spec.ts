import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, type Provider } from '@nestjs/common';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { LlmEndEvent, OnLlmEnd, type Job } from 'nestjs-llm-callbacks';
import {
  BullmqJobQueue,
  type BullmqJobQueueOptions,
  type DeadLetter,
} from 'nestjs-llm-callbacks/bullmq';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../support/app.js';
import { Gate } from '../support/gate.js';
import { describeJobStores, dropRedisKeys, type JobStore } from '../support/job-stores.js';
import { eventually } from '../support/limited.js';
import { logs } from '../support/logs.js';
import { describeWithRedis, REDIS_URL } from '../support/services.js';

const durable = { background: 'durable' } as const;
const received: LlmEndEvent[] = [];
let arrived = new Gate();

@Injectable()
class Audit {
  @OnLlmEnd({ ...durable, name: 'audit' }) paid(event: LlmEndEvent) {
    received.push(event);
    void arrived.pass();
  }
}

@Injectable()
class Fails {
  @OnLlmEnd({ ...durable, name: 'audit' }) fails() {
    throw new Error('disk full');
  }
}

const queues: BullmqJobQueue[] = [];
/** A queue that is closed after the test. */
function newQueue(options: BullmqJobQueueOptions): BullmqJobQueue {
  const queue = new BullmqJobQueue(options);
  queues.push(queue);
  return queue;
}

async function start(options: BullmqJobQueueOptions, providers: Provider[] = [], settings = {}) {
  const recording = new RecordingCallbacks();
  const failed = new Gate();
  const queue = newQueue(options);
  const callbacks = [recording, { onCallbackError: () => void failed.pass() }];
  const app = await startApp({ providers }, { background: { queue, ...settings }, callbacks });
  return { ...app, recording, failed, queue };
}

beforeEach(() => void (arrived = new Gate()));
afterEach(closeAll);

async function closeAll() {
  await closeApps();
  await Promise.all(queues.splice(0).map((queue) => queue.close()));
  received.length = 0;
}

describeJobStores('BullmqJobQueue', (newStore) => {
  let store: JobStore;
  beforeEach(async () => void (store = await newStore()));
  afterEach(async () => {
    // The `afterEach` of the file runs later.
    await closeAll();
    await store.drop();
  });

  /** A process that only adds jobs. */
  const producer = (options: Partial<BullmqJobQueueOptions> = {}) =>
    start({ ...store.options, backoffMs: 20, ...options, worker: false }, [Audit]);
  const worker = (providers: Provider[], settings = {}) =>
    start(store.options, providers, settings);

  it('calls the handler with the deserialized event, in another application', async () => {
    const { llm, recording } = await producer();
    await llm.generate('hi \u0000 \ud800', { userId: 'ada' });
    expect(received).toEqual([]);
    await worker([Audit]);
    await arrived.reached(1);
    const [end] = recording.of('llm.end');
    expect(received[0]).toBeInstanceOf(LlmEndEvent);
    expect(JSON.stringify(received[0])).toBe(JSON.stringify(end));
  });

  it('keeps one job per id, also after it was done', async () => {
    const { llm, queue } = await producer();
    const jobs: Job[] = [];
    const add = queue.add.bind(queue);
    queue.add = async (job) => {
      jobs.push(job);
      await add(job);
      await add(job);
    };
    await llm.generate('first');
    const { queue: other } = await worker([Audit]);
    await arrived.reached(1);
    await add(jobs[0]!);
    await llm.generate('second');
    await arrived.reached(2);
    await other.close();
    expect(received.map(({ eventId }) => eventId)).toEqual(
      jobs.map(({ event }) => event['eventId']),
    );
  });

  it('retries with backoff, keeps dead letters, and can run them again', async () => {
    const times: number[] = [];
    const events: LlmEndEvent[] = [];
    let isMended = false;
    @Injectable()
    class FailsAtFirst {
      @OnLlmEnd({ ...durable, name: 'audit' }) fails(event: LlmEndEvent) {
        times.push(performance.now());
        events.push(event);
        void arrived.pass();
        if (!isMended) throw new TypeError('disk full');
      }
    }
    const { llm } = await producer({ attempts: 3 });
    await llm.generate('hi', { userId: 'ada' });
    const { queue, recording, failed } = await worker([FailsAtFirst]);
    await failed.reached(1);
    expect(times).toHaveLength(3);
    const [first, second] = times.slice(1).map((time, i) => time - times[i]!) as [number, number];
    expect(first).toBeGreaterThanOrEqual(19);
    expect(second).toBeGreaterThanOrEqual(39);
    expect(recording.of('callback.error')).toMatchObject([
      { handler: 'FailsAtFirst.fails', userId: 'ada', error: { message: 'disk full' } },
    ]);
    const letter = {
      job: { handler: 'audit', event: events[0]!.toJSON() },
      error: 'disk full',
      attempts: 3,
      failedAt: expect.any(Number),
    };
    expect(await deadLettersOf(queue, 1)).toMatchObject([letter]);
    isMended = true;
    expect(await queue.retryDeadLetters()).toBe(1);
    await arrived.reached(4);
    await queue.pause();
    expect(await queue.deadLetters()).toEqual([]);
  });

  it('keeps the job of an unknown handler as a dead letter', async () => {
    const { llm } = await producer({ attempts: 2 });
    await llm.generate('hi');
    const { queue, failed } = await worker([]);
    await failed.reached(1);
    const [letter] = await deadLettersOf(queue, 1);
    expect(letter).toMatchObject({ job: { handler: 'audit' }, attempts: 2 });
    expect(letter!.error).toContain('named "audit"');
  });

  it('waits for running jobs when the application closes', async () => {
    const gate = new Gate();
    const done: string[] = [];
    @Injectable()
    class Slow {
      @OnLlmEnd({ ...durable, name: 'audit' }) async slow({ eventId }: LlmEndEvent) {
        await gate.pass();
        done.push(eventId);
      }
    }
    const { llm } = await producer();
    await llm.generate('hi');
    const { module } = await worker([Slow]);
    await gate.reached(1);
    const closed = module.close();
    gate.open();
    await closed;
    expect(done).toHaveLength(1);
    // The job was done: no other process runs it.
    await worker([Audit]);
    await llm.generate('again');
    await arrived.reached(1);
    expect(received.map(({ eventId }) => eventId)).not.toContain(done[0]);
  });

  it('returns jobs that do not end in time, which is not a failure', async () => {
    const gate = new Gate();
    @Injectable()
    class Hangs {
      @OnLlmEnd({ ...durable, name: 'audit' }) hang() {
        return gate.pass();
      }
    }
    const { llm } = await producer({ attempts: 1 });
    await llm.generate('hi');
    const { module } = await worker([Hangs], { drainMs: 20 });
    await gate.reached(1);
    await module.close();
    expect(logs.map(({ message }) => message)).toEqual([
      expect.stringContaining('left behind: audit.'),
    ]);
    // At once, rather than when its lock expires.
    await worker([Audit]);
    await arrived.reached(1);
    expect(received).toHaveLength(1);
  });

  it('belongs to one application', async () => {
    const queue = newQueue(store.options);
    await startApp({}, { background: { queue } });
    await expect(startApp({}, { background: { queue } })).rejects.toThrow(/was started before/);
  });

  it('adds no jobs after it is closed', async () => {
    const { llm, queue, recording } = await producer();
    await queue.close();
    await queue.close();
    await expect(queue.deadLetters()).rejects.toThrow('closed');
    await llm.generate('hi');
    expect(recording.of('callback.error')).toMatchObject([{ handler: 'Audit.paid' }]);
  });
});

describeWithRedis('BullmqJobQueue with a provided Redis client', () => {
  const client = new Redis(REDIS_URL, { lazyConnect: true });
  const prefix = `test-${randomUUID()}`;
  afterAll(async () => {
    await client.quit();
    await dropRedisKeys(prefix);
  });

  it('does not close or block the client', async () => {
    const { llm, module } = await start({ connection: client, prefix }, [Audit]);
    await llm.generate('hi');
    await arrived.reached(1);
    await module.close();
    expect(await client.ping()).toBe('PONG');
    // The copy, which bullmq names after its queue, is also closed.
    expect(await client.client('LIST')).not.toContain(prefix);
  });
});

describeWithRedis('BullmqJobQueue with foreign jobs in its queue', () => {
  const prefix = `test-${randomUUID()}`;
  afterAll(() => dropRedisKeys(prefix));

  it('fails an invalid job, and lists the other dead letters', async () => {
    const { queue, llm, failed } = await start({ connection: REDIS_URL, prefix, attempts: 1 }, [
      Fails,
    ]);
    const others = new Queue('callbacks', { connection: { url: REDIS_URL }, prefix });
    await others.add('audit', { what: 'else' });
    await llm.generate('hi');
    await failed.reached(1);
    await eventually(async () => (await others.getFailedCount()) === 2);
    await others.close();
    expect(await queue.deadLetters()).toMatchObject([{ error: 'disk full' }]);
  });
});

describe('BullmqJobQueue without a server', () => {
  it('on Redis: the application starts, runs and stops, and logs which jobs were not added', async () => {
    const connection = `redis://127.0.0.1:${await freePort()}`;
    const { llm, module, recording } = await start({ connection }, [Audit], { addTimeoutMs: 20 });
    expect((await llm.generate('hi')).text).toBe('hello');
    expect(recording.of('callback.error')).toMatchObject([
      { handler: 'Audit.paid', error: { code: 'callback_timeout' } },
    ]);
    await module.close();
    expect(logs.filter(({ message }) => message.includes('ECONNREFUSED'))).toHaveLength(1);
  });

  it('on PostgreSQL: the application does not start', async () => {
    const connection = `postgres://root@127.0.0.1:${await freePort()}/test`;
    await expect(start({ connection }, [Audit])).rejects.toThrow(/ECONNREFUSED/);
  });
});

describe('BullmqJobQueue rejects', () => {
  it.each<[string, object, RegExp]>([
    ['options without a connection', {}, /needs a `connection`/],
    ['the URL of something else', { connection: 'amqp://secret' }, /a URL begins with/],
    ['an unknown option', { connection: 'redis://a', attempt: 1 }, /has no option "attempt"/],
    ['zero attempts', { connection: 'redis://a', attempts: 0 }, /attempts must be/],
    ['a name with a colon', { connection: 'redis://a', queueName: 'a:b' }, /queueName must be/],
    [
      'an empty keepCompleted',
      { connection: 'redis://a', keepCompleted: {} },
      /keepCompleted must be/,
    ],
  ])('%s', (_, options, why) => {
    const make = () => new BullmqJobQueue(options as BullmqJobQueueOptions);
    expect(make).toThrow(why);
    expect(make).not.toThrow(/secret/);
  });
});

/** The worker reports a failed job before the queue lists it. */
async function deadLettersOf(queue: BullmqJobQueue, count: number): Promise<DeadLetter[]> {
  for (;;) {
    const letters = await queue.deadLetters();
    if (letters.length >= count) return letters;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
