import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import {
  AgentService,
  CallbackAbort,
  CallbacksConfigurationError,
  CallbacksService,
  CustomCallbackEvent,
  defineTool,
  LoggingCallbacks,
  OnCustomEvent,
  type CallbackEvent,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { defer } from '../../src/util/promises.js';
import { closeApps, startApp } from '../support/app.js';
import { logs } from '../support/logs.js';
import { MemoryJobQueue } from '../support/memory-job-queue.js';

let received: string[];
beforeEach(() => {
  received = [];
});
afterEach(closeApps);

async function start(...handlers: object[]) {
  const recording = new RecordingCallbacks();
  const app = await startApp({}, { callbacks: [...handlers, recording] });
  return { ...app, recording, callbacks: app.module.get(CallbacksService) };
}

describe('A custom event', () => {
  it('is handled by name, or by handlers of all custom events, in order and awaited', async () => {
    class Tickets {
      @OnCustomEvent('ticket.opened', { order: 1, when: ({ data }) => data !== 0 })
      async opened({ name, data }: CustomCallbackEvent) {
        await new Promise(setImmediate);
        received.push(`opened ${name} ${String(data)}`);
      }
      @OnCustomEvent('ticket.closed')
      closed() {
        received.push('closed');
      }
      @OnCustomEvent(undefined, { order: 2 })
      any({ name }: CustomCallbackEvent) {
        received.push(`any ${name}`);
      }
    }
    const { callbacks } = await start(new Tickets(), {
      onCustomEvent: ({ type, name }: CustomCallbackEvent) => received.push(`${type} ${name}`),
    });
    await callbacks.emit('ticket.opened', 7);
    expect(received).toEqual([
      'custom ticket.opened',
      'opened ticket.opened 7',
      'any ticket.opened',
    ]);
    received = [];
    await callbacks.emit('ticket.opened', 0);
    expect(received).toEqual(['custom ticket.opened', 'any ticket.opened']);
  });

  it('outside of any run has ids of its own and the context of the calling code', async () => {
    const { callbacks, recording } = await start();
    await callbacks.run({ userId: 'ada', tags: ['nightly'] }, () => callbacks.emit('a', { id: 1 }));
    await callbacks.emit('b');
    const [first, second] = recording.of('custom');
    expect(first).toBeInstanceOf(CustomCallbackEvent);
    expect(first).toMatchObject({ name: 'a', data: { id: 1 }, userId: 'ada', tags: ['nightly'] });
    expect(first).toMatchObject({ scope: 'default', parentRunId: undefined });
    expect(first!.rootRunId).toBe(first!.runId);
    expect(second).toMatchObject({ name: 'b', data: undefined, userId: undefined });
    expect(second!.runId).not.toBe(first!.runId);
    expect(second!.requestId).not.toBe(first!.requestId);
  });

  it('inside a run is an event of the run', async () => {
    const { callbacks, recording } = await start();
    await callbacks.chain('answer', 'hi', () => callbacks.emit('looked.up', 3));
    const [chain] = recording.of('chain.start');
    const [custom] = recording.of('custom');
    expect(custom!.runId).toBe(chain!.runId);
    expect(recording.tree()).toEqual([
      { kind: 'chain', events: ['chain.start', 'custom', 'chain.end'], children: [] },
    ]);
    expect(custom!.eventId).toBe(`${chain!.runId}:1`);
  });

  it('after the end of its run is an event of its own, whose parent is the run', async () => {
    const { callbacks, recording } = await start();
    const ended = defer<void>();
    let emitting: Promise<void> | undefined;
    await callbacks.chain('answer', 'hi', () => {
      emitting = ended.promise.then(() => callbacks.emit('late'));
    });
    ended.resolve();
    await emitting;
    const [chain] = recording.of('chain.end');
    const [custom] = recording.of('custom');
    expect(custom!.runId).not.toBe(chain!.runId);
    expect(custom).toMatchObject({ parentRunId: chain!.runId, rootRunId: chain!.runId });
    expect(recording.events.map(({ type }) => type)).toEqual([
      'chain.start',
      'chain.end',
      'custom',
    ]);
  });

  it('makes emit() reject with the error of a critical handler, which fails the run that awaits it', async () => {
    const no = new Error('no');
    class Gate {
      @OnCustomEvent('gate', { critical: true })
      refuse() {
        throw no;
      }
      @OnCustomEvent('abort')
      abort() {
        throw new CallbackAbort('stop');
      }
    }
    const { callbacks, recording } = await start(new Gate());
    await expect(callbacks.emit('gate')).rejects.toBe(no);
    await expect(callbacks.emit('abort')).rejects.toThrow(CallbackAbort);
    const chain = callbacks.chain('answer', 'hi', () => callbacks.emit('gate'));
    await expect(chain).rejects.toBe(no);
    const survives = callbacks.chain('answer', 'hi', () =>
      callbacks.emit('gate').catch(() => 'handled'),
    );
    await expect(survives).resolves.toBe('handled');
    expect(recording.of('chain.error')).toMatchObject([{ error: no }]);
    expect(recording.of('callback.error')).toEqual([]);
  });

  it('is not stopped by an error of a handler that is not critical, which is reported', async () => {
    const { callbacks, recording } = await start({
      onCustomEvent() {
        throw new Error('broken');
      },
    });
    await callbacks.emit('a');
    expect(recording.of('callback.error')).toMatchObject([
      { event: { type: 'custom', name: 'a' } },
    ]);
    expect(logs).toHaveLength(1);
  });

  it('that a handler emits is a root with fromCallback, and does not reach that handler', async () => {
    const { callbacks, recording } = await start();
    class Echo {
      @OnCustomEvent()
      async again({ name }: CustomCallbackEvent) {
        received.push(name);
        await callbacks.emit(`${name}.again`);
      }
    }
    callbacks.add(new Echo());
    await callbacks.emit('a');
    expect(received).toEqual(['a']);
    const [first, second] = recording.of('custom');
    expect(second).toMatchObject({
      name: 'a.again',
      parentRunId: undefined,
      fromCallback: { runId: first!.runId, handler: 'Echo.again' },
      requestId: first!.requestId,
    });
  });

  it('reaches background and durable handlers, the latter deserialized', async () => {
    const events: CallbackEvent[] = [];
    class Audit {
      @OnCustomEvent('paid', { background: 'durable', name: 'audit' })
      audit(event: CustomCallbackEvent) {
        events.push(event);
      }
      @OnCustomEvent('paid', { background: true })
      count(event: CustomCallbackEvent) {
        received.push(event.name);
      }
    }
    const queue = new MemoryJobQueue();
    const { module } = await startApp({ providers: [Audit] }, { background: { queue } });
    const callbacks = module.get(CallbacksService);
    await callbacks.emit('paid', { when: new Date(0) });
    await callbacks.emit('other');
    await callbacks.flush();
    expect(received).toEqual(['paid']);
    expect(queue.jobs).toHaveLength(1);
    await queue.work();
    expect(events).toHaveLength(1);
    expect(events[0]).toBeInstanceOf(CustomCallbackEvent);
    expect(events[0]).toMatchObject({ name: 'paid', data: { when: '1970-01-01T00:00:00.000Z' } });
  });

  it('of a tool is among the events of the agent’s stream, and not sent as a server-sent event', async () => {
    const answers = [{ toolCalls: [{ name: 'find', args: {} }] }, 'Done.'];
    const { module } = await startApp({}, { answers: [...answers, ...answers] });
    const callbacks = module.get(CallbacksService);
    const find = defineTool({
      name: 'find',
      description: 'Finds.',
      parameters: { type: 'object' },
      execute: async () => {
        await callbacks.emit('found', 1);
        return 'it';
      },
    });
    const agent = module.get(AgentService).create({ tools: [find] });
    const ofTool: CallbackEvent[] = [];
    for await (const event of agent.stream('go'))
      if (/tool|custom/.test(event.type)) ofTool.push(event);
    expect(ofTool.map(({ type }) => type)).toEqual(['tool.start', 'custom', 'tool.end']);
    expect(new Set(ofTool.map(({ runId }) => runId)).size).toBe(1);
    const sent: unknown[] = [];
    await agent
      .stream('go')
      .toSse({ content: true })
      .forEach(({ type, data }) => void sent.push([type, data]));
    expect(JSON.stringify(sent)).not.toContain('found');
  });

  it('is logged by LoggingCallbacks with its name, and without its data', async () => {
    const lines: string[] = [];
    const log = async (options: object) => {
      const { callbacks } = await start(new LoggingCallbacks(options));
      Logger.overrideLogger({ log: (line: unknown) => void lines.push(String(line)) } as never);
      await callbacks.run({ userId: 'ada' }, () => callbacks.emit('ticket.opened', 'a secret'));
    };
    await log({});
    await log({ json: true });
    expect(lines[0]).toBe('custom ticket.opened · user ada');
    expect(JSON.parse(lines[1]!)).toEqual({
      event: 'custom',
      msg: 'custom ticket.opened',
      name: 'ticket.opened',
      runId: expect.any(String),
      requestId: expect.any(String),
      traceId: expect.any(String),
      userId: 'ada',
    });
  });
});

describe('The name of a custom event', () => {
  const rule = 'A custom event needs a name of 1 to 64';

  it.each(['a', 'ticket.opened', 'a:b-c_d.9', 'x'.repeat(64)])('may be %j', async (name) => {
    const { callbacks, recording } = await start();
    await callbacks.emit(name);
    expect(recording.of('custom')).toMatchObject([{ name }]);
  });

  it.each([
    ['', rule],
    ['x'.repeat(65), rule],
    ['two words', rule],
    ['line\n', rule],
    [7, rule],
    [undefined, rule],
    ['llm.end', 'cannot have the name of an event of the package: emit() has "llm.end"'],
  ])('cannot be %j', async (name, message) => {
    const { callbacks, recording } = await start();
    const emitting = callbacks.emit(name as string);
    await expect(emitting).rejects.toBeInstanceOf(CallbacksConfigurationError);
    await expect(emitting).rejects.toThrow(message);
    expect(recording.events).toEqual([]);
  });

  it('is checked by the decorator', () => {
    expect(() => OnCustomEvent('two words')).toThrow(rule);
    expect(() => OnCustomEvent('')).toThrow(rule);
  });

  it('does not hide that the options of the decorator are invalid', async () => {
    class Bad {
      @OnCustomEvent('a', { when: 'never' as never })
      handle() {}
    }
    await expect(start(new Bad())).rejects.toThrow('Bad.handle (custom): when must be a function.');
  });
});
