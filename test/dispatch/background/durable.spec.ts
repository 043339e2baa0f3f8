import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type Provider } from '@nestjs/common';
import {
  AgentService,
  CallbacksModule,
  CallbacksService,
  LlmEndEvent,
  LlmService,
  OnLlmEnd,
  OnLlmStart,
  OnAnyEvent,
  type BackgroundOptions,
  type CallbackEvent,
  type HandlerContext,
  type LlmStartEvent,
} from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../../support/app.js';
import { Gate, settle } from '../../support/gate.js';
import { logs } from '../../support/logs.js';
import { MemoryJobQueue } from '../../support/memory-job-queue.js';

afterEach(closeApps);

const durable = { background: 'durable' } as const;

async function start(
  providers: Provider[] = [],
  options: BackgroundOptions & { queue: MemoryJobQueue } = { queue: new MemoryJobQueue() },
) {
  const recording = new RecordingCallbacks();
  const app = await startApp({ providers }, { background: options, callbacks: [recording] });
  return { ...app, recording, queue: options.queue, callbacks: app.module.get(CallbacksService) };
}

const received: { event: CallbackEvent; signal: AbortSignal }[] = [];
afterEach(() => void received.splice(0));

@Injectable()
class Audit {
  @OnLlmEnd({ background: 'durable', name: 'audit' })
  paid(event: LlmEndEvent, { signal }: HandlerContext) {
    received.push({ event, signal });
  }
}

describe('A durable handler', () => {
  it('has its job in the queue when the call is answered, and is called with a deserialized event', async () => {
    const { llm, queue, recording } = await start([Audit]);
    await llm.generate('hi', { userId: 'ada', metadata: { plan: 'gold' } });
    const [end] = recording.of('llm.end');
    expect(queue.jobs).toEqual([
      {
        id: `${end!.eventId}/audit`,
        handler: 'audit',
        event: JSON.parse(JSON.stringify(end)) as unknown,
      },
    ]);
    expect(received).toEqual([]);
    await queue.work();
    expect(received).toHaveLength(1);
    const [{ event, signal }] = received as [(typeof received)[0]];
    expect(event).toBeInstanceOf(LlmEndEvent);
    expect(event).not.toBe(end);
    expect(event.toJSON()).toEqual(end!.toJSON());
    expect(signal.aborted).toBe(false);
  });

  it('is added once, even if it is added repeatedly', async () => {
    const { llm, queue } = await start([Audit]);
    await llm.generate('hi');
    const [job] = queue.jobs;
    await queue.work();
    await queue.add(job!);
    await queue.work();
    expect(received).toHaveLength(1);
  });

  it('can be run by another application with the same providers', async () => {
    const { llm, queue } = await start([Audit]);
    await llm.generate('hi', { userId: 'ada' });
    const other = await start([Audit], { queue: new MemoryJobQueue() });
    for (const job of queue.jobs) await other.queue.add(job);
    await other.queue.work();
    expect(received.map(({ event }) => event.userId)).toEqual(['ada']);
  });

  it('starts runs in the context of its event, and does not receive their events', async () => {
    @Injectable()
    class Summary {
      constructor(private readonly llm: LlmService) {}
      @OnLlmEnd(durable) async sum() {
        await this.llm.generate('sum');
      }
    }
    const { llm, queue, recording, callbacks } = await start([Summary]);
    const context = { userId: 'ada', tenantId: 'acme', tags: ['t'], metadata: { plan: 'gold' } };
    await callbacks.run(context, () => llm.generate('hi'));
    const [asked] = recording.of('llm.end');
    await queue.work();
    const [, summed] = recording.of('llm.start');
    expect(summed).toMatchObject({
      ...context,
      requestId: asked!.requestId,
      traceId: asked!.traceId,
      parentRunId: undefined,
      fromCallback: { runId: asked!.runId, handler: 'Summary.sum' },
    });
    expect(queue.jobs).toEqual([]);
  });

  it('evaluates `when` before its job is added, and can receive every event', async () => {
    const types: string[] = [];
    @Injectable()
    class All {
      @OnAnyEvent({ ...durable, when: ({ tags }) => tags.includes('yes') })
      any({ type }: CallbackEvent) {
        types.push(type);
      }
    }
    const { llm, queue } = await start([All]);
    await llm.generate('hi');
    expect(queue.jobs).toEqual([]);
    await llm.generate('hi', { tags: ['yes'] });
    await queue.work();
    expect(types).toEqual(['llm.start', 'llm.end']);
  });

  it('can belong to a client or an agent that is created at start-up', async () => {
    const calls: string[] = [];
    class Recorder {
      constructor(private readonly name: string) {}
      @OnLlmStart({ ...durable, name: 'client' }) before() {
        calls.push(this.name);
      }
    }
    class OtherRecorder {
      @OnLlmStart(durable) before() {
        calls.push('agent');
      }
    }
    const queue = new MemoryJobQueue();
    const llm = { provider: new FakeLlm(['a', 'b']), model: 'fake' };
    const feature = CallbacksModule.forFeature({
      name: 'support',
      llm,
      agent: { callbacks: [new OtherRecorder()] },
      callbacks: [new Recorder('client')],
    });
    const { module } = await startApp({ imports: [feature] }, { background: { queue } });
    await module.get<AgentService>(Symbol.for('nestjs-llm-callbacks:agent:support')).run('hi');
    await queue.work();
    expect(calls.toSorted()).toEqual(['agent', 'client']);
  });

  it('delays shutdown no longer than drainMs, and leaves its job to another process', async () => {
    const gate = new Gate();
    const reasons: unknown[] = [];
    @Injectable()
    class Slow {
      @OnLlmEnd(durable) slow(_: LlmEndEvent, { signal }: HandlerContext) {
        signal.addEventListener('abort', () => void reasons.push(signal.reason));
        return gate.pass();
      }
    }
    const queue = new MemoryJobQueue();
    const { llm, module, recording } = await start([Slow], { queue, drainMs: 20 });
    await llm.generate('hi');
    const working = queue.work();
    await gate.reached(1);
    await module.close();
    await working;
    expect(queue.dead).toMatchObject([{ error: { code: 'aborted' } }]);
    expect(reasons).toMatchObject([{ code: 'aborted' }]);
    expect(recording.of('callback.error')).toEqual([]);
    expect(logs.map(({ message }) => message)).toEqual([
      expect.stringContaining('left behind: Slow.slow.'),
    ]);
    expect(queue.calls).toEqual(['start', 'add', 'pause', 'close']);
  });
});

describe('A job that fails', () => {
  it('is retried, and reported as callback.error when it has finally failed', async () => {
    let tries = 0;
    @Injectable()
    class Fails {
      @OnLlmEnd(durable) fails() {
        tries++;
        throw new Error('disk full');
      }
    }
    const { llm, queue, recording } = await start([Fails], { queue: new MemoryJobQueue(3) });
    await llm.generate('hi', { userId: 'ada' });
    await queue.work();
    expect(tries).toBe(3);
    const [end] = recording.of('llm.end');
    const failures = recording.of('callback.error');
    expect(failures).toMatchObject([
      { runId: end!.runId, userId: 'ada', handler: 'Fails.fails', error: { message: 'disk full' } },
    ]);
    expect((failures[0]!.event as LlmEndEvent).eventId).toBe(end!.eventId);
    expect(failures[0]!.eventId).not.toBe(end!.eventId);
    expect(logs.map(({ level, message }) => `${level} ${message}`)).toEqual([
      'warn Fails.fails failed on llm.end in try 1 and is tried again: disk full',
      'warn Fails.fails failed on llm.end in try 2 and is tried again: disk full',
      'error Fails.fails failed on llm.end: disk full',
    ]);
  });

  it('because it exceeds `timeoutMs`, is a timeout', async () => {
    @Injectable()
    class Hangs {
      @OnLlmEnd({ ...durable, timeoutMs: 5 }) hang() {
        return new Promise(() => {});
      }
    }
    const { llm, queue, recording } = await start([Hangs]);
    await llm.generate('hi');
    await queue.work();
    expect(queue.dead).toMatchObject([{ error: { code: 'callback_timeout' } }]);
    expect(recording.of('callback.error')).toHaveLength(1);
  });

  it('because the queue gave it up, is left to its new worker', async () => {
    const gate = new Gate();
    @Injectable()
    class Slow {
      @OnLlmEnd(durable) slow() {
        return gate.pass();
      }
    }
    const { llm, queue, recording } = await start([Slow]);
    await llm.generate('hi');
    const working = queue.work();
    await gate.reached(1);
    queue.lost.abort(new Error('lost'));
    await working;
    expect(queue.dead).toMatchObject([{ error: { message: 'lost' } }]);
    expect(recording.of('callback.error')).toEqual([]);
  });

  it('because its handler is unknown here, is not lost', async () => {
    const { llm, queue } = await start([Audit]);
    await llm.generate('hi');
    const other = await start([], { queue: new MemoryJobQueue() });
    await other.queue.add(queue.jobs[0]!);
    await other.queue.work();
    expect(other.queue.dead).toMatchObject([
      { job: { handler: 'audit' }, error: { message: expect.stringContaining('named "audit"') } },
    ]);
    expect(other.recording.of('callback.error')).toMatchObject([{ handler: 'audit' }]);
  });

  it.each<[string, object]>([
    ['is not an event', {}],
    ['is of another version', { v: 2, type: 'llm.end' }],
  ])('because its event %s, reports it', async (_, event) => {
    const { queue } = await start([Audit]);
    await queue.add({ id: '1', handler: 'audit', event: event as never });
    await queue.work();
    expect(queue.dead).toMatchObject([{ error: { code: 'invalid_event' } }]);
  });
});

describe('A job queue that accepts no job', () => {
  it('does not affect the run, and is reported', async () => {
    const queue = new MemoryJobQueue();
    const { llm, recording } = await start([Audit], { queue });
    queue.add = () => Promise.reject(new Error('Connection is closed.'));
    expect((await llm.generate('hi')).text).toBe('hello');
    expect(recording.of('callback.error')).toMatchObject([
      { handler: 'Audit.paid', error: { message: 'Connection is closed.' } },
    ]);
  });

  it('but throws, is reported, too', async () => {
    const queue = new MemoryJobQueue();
    const { llm, recording } = await start([Audit], { queue });
    queue.add = () => {
      throw new Error('no');
    };
    await llm.generate('hi');
    expect(recording.of('callback.error')).toHaveLength(1);
  });

  it('within addTimeoutMs is no longer awaited, and not again before it has answered', async () => {
    const queue = new MemoryJobQueue();
    const { llm, recording, callbacks } = await start([Audit], { queue, addTimeoutMs: 20 });
    let goOn!: () => void;
    queue.holdsUp = new Promise((resolve) => (goOn = resolve));
    await llm.generate('first');
    const failures = recording.of('callback.error');
    expect(failures).toMatchObject([{ error: { code: 'callback_timeout' } }]);
    await llm.generate('second');
    // It still holds its turn: no run has waited.
    expect(recording.of('callback.error')).toHaveLength(1);
    goOn();
    await callbacks.flush();
    expect(queue.jobs).toHaveLength(2);
    expect(recording.of('callback.error')).toHaveLength(1);
    let isAnswered = false;
    queue.holdsUp = new Promise((resolve) => (goOn = resolve));
    const third = llm.generate('third').then(() => (isAnswered = true));
    await settle();
    expect(isAnswered).toBe(false);
    goOn();
    await third;
  });

  it('and is unavailable delays one run, not later ones, until it has accepted a job', async () => {
    const queue = new MemoryJobQueue();
    const { llm, recording, callbacks } = await start([Audit], { queue, addTimeoutMs: 20 });
    const add = queue.add.bind(queue);
    let fail!: () => void;
    // It fails in the end, like a client that stops reconnecting.
    queue.add = () =>
      new Promise<void>((_, reject) => (fail = () => reject(new Error('Connection is closed.'))));
    await llm.generate('first');
    fail();
    await settle();
    // It has no pending answer, but is not available yet.
    let isAdded = false;
    const gate = new Gate();
    queue.add = async (job) => {
      await gate.pass();
      await add(job);
      isAdded = true;
    };
    await llm.generate('second');
    expect(isAdded).toBe(false);
    gate.open();
    await callbacks.flush();
    // Jobs added meanwhile are not lost, and show that the queue is available again.
    expect(queue.jobs).toHaveLength(1);
    isAdded = false;
    await llm.generate('third');
    expect(isAdded).toBe(true);
    expect(recording.of('callback.error')).toHaveLength(1);
  });

  it('but fails at once is awaited each time', async () => {
    const queue = new MemoryJobQueue();
    const { llm, recording } = await start([Audit], { queue });
    queue.add = () => Promise.reject(new Error('too large'));
    await llm.generate('first');
    await llm.generate('second');
    expect(recording.of('callback.error')).toHaveLength(2);
  });

  it('has at most `queueSize` pending answers', async () => {
    const queue = new MemoryJobQueue();
    const limits = { queue, addTimeoutMs: 20, queueSize: 2 };
    const { llm, recording } = await start([Audit], limits);
    let goOn!: () => void;
    queue.holdsUp = new Promise((resolve) => (goOn = resolve));
    for (let i = 0; i < 3; i++) await llm.generate('hi');
    expect(queue.calls.filter((call) => call === 'add')).toHaveLength(2);
    expect(recording.of('callback.error').at(-1)).toMatchObject({
      error: { message: expect.stringContaining('has not answered 2 times') },
    });
    goOn();
  });

  it('at start-up, fails the start', async () => {
    const queue = new MemoryJobQueue();
    queue.start = () => Promise.reject(new Error('no such database'));
    await expect(start([], { queue })).rejects.toThrow('no such database');
  });

  it('and does not close, does not block the shutdown', async () => {
    const queue = new MemoryJobQueue();
    const { module } = await start([], { queue });
    queue.close = () => Promise.reject(new Error('gone'));
    await module.close();
    expect(logs).toMatchObject([{ message: 'The job queue did not close: gone' }]);
  });
});

describe('Shutdown with durable handlers', () => {
  it('pauses the queue first, and closes it after the last runs have added their jobs', async () => {
    const queue = new MemoryJobQueue();
    const { llm, fake, module } = await start([Audit], { queue });
    const asked = new Gate();
    const generate = fake.generate.bind(fake);
    fake.generate = async (...args) => {
      await asked.pass();
      return generate(...args);
    };
    const call = llm.generate('hi');
    await asked.reached(1);
    const closed = module.close();
    await settle();
    expect(queue.calls).toEqual(['start', 'pause']);
    asked.open();
    await closed;
    await call;
    expect(queue.calls).toEqual(['start', 'pause', 'add', 'close']);
  });
});

describe('Durable handlers that no worker could call are rejected', () => {
  class Twin {
    @OnLlmStart(durable) record(_: LlmStartEvent) {}
  }

  it('at start-up, without a queue', async () => {
    await expect(startApp({ providers: [Audit] })).rejects.toThrow(
      /Audit\.paid has background: 'durable', but there is no job queue/,
    );
  });

  it('when added later, without a queue', async () => {
    const { module } = await startApp();
    const callbacks = module.get(CallbacksService);
    expect(() => callbacks.add(new Twin())).toThrow(/no job queue/);
    expect(() => callbacks.on('llm.end', () => {}, durable)).toThrow(/no job queue/);
    expect(() => callbacks.setGlobalCallbacks([new Twin()])).toThrow(/no job queue/);
  });

  it('in the callbacks of a call', async () => {
    const { llm, module } = await start();
    const callbacks = [new Twin()];
    await expect(llm.generate('hi', { callbacks })).rejects.toThrow(
      /Twin\.record has background: 'durable', but was given to a single call/,
    );
    await expect(module.get(AgentService).run('hi', { callbacks })).rejects.toThrow(/single call/);
  });

  it('but not those of an object that is also a provider', async () => {
    const { llm, module, queue } = await start([Audit]);
    await llm.generate('hi', { callbacks: [module.get(Audit)] });
    expect(queue.jobs).toHaveLength(1);
  });

  it('in the callbacks of an agent that is created at run time', async () => {
    const { module } = await start();
    const create = () => module.get(AgentService).create({ callbacks: [new Twin()] });
    expect(create).toThrow(/was given to an agent that was made while the application ran/);
  });

  it('when two have the same name', async () => {
    const { callbacks } = await start();
    const remove = callbacks.add(new Twin());
    expect(() => callbacks.add(new Twin())).toThrow(
      /Two durable handlers are named "Twin\.record": Twin\.record and Twin\.record/,
    );
    remove();
    callbacks.add(new Twin());
  });

  it('but not one method that handles two events', async () => {
    const calls: string[] = [];
    @Injectable()
    class Both {
      @OnLlmStart(durable) @OnLlmEnd(durable) record({ type }: CallbackEvent) {
        calls.push(type);
      }
    }
    const { llm, queue } = await start([Both]);
    await llm.generate('hi');
    await queue.work();
    expect(calls).toEqual(['llm.start', 'llm.end']);
  });
});
