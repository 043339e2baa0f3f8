import { Injectable } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  AgentService,
  CallbacksService,
  defineTool,
  LlmService,
  OnLlmEnd,
  type AgentStream,
  type CallbackEvent,
} from 'nestjs-llm-callbacks';
import { OpenRuns } from '../../src/runs/active-run.js';
import { always, closeApps, startApp, type TestApp } from '../support/app.js';
import { Gate } from '../support/gate.js';

const STREAMS = 20;
const CALLS = 1_100;

@Injectable()
class FailsLater {
  readonly #gates: Gate[] = [];
  calls = 0;

  @OnLlmEnd({ background: true })
  async report(): Promise<void> {
    this.calls++;
    const waiting = new Gate();
    this.#gates.push(waiting);
    await waiting.opened;
    throw new Error('The report could not be written.');
  }

  /** Lets every waiting call fail, now and from now on. */
  async failAll(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      for (const waiting of this.#gates.splice(0)) waiting.open();
      await new Promise(setImmediate);
    }
  }
}

function background({ module }: TestApp): CallbacksService['background'] {
  return module.get(CallbacksService).background;
}

async function readAll(stream: AgentStream): Promise<CallbackEvent[]> {
  const events: CallbackEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

describe('The events of an agent stream', () => {
  afterEach(closeApps);

  it('do not block background handlers that fail after the stream was read to its end', async () => {
    const app = await startApp(
      { providers: [FailsLater] },
      { answers: Array.from({ length: STREAMS + CALLS }, () => 'hello') },
    );
    const agents = app.module.get(AgentService);
    const hooks = app.module.get(FailsLater);
    const ended: Promise<void>[] = [];
    for (let i = 0; i < STREAMS; i++)
      ended.push(
        agents
          .stream('hi')
          .toObservable()
          .forEach(() => undefined),
      );
    await Promise.all(ended);
    let done = 0;
    const calls = Array.from({ length: CALLS }, async () => {
      await app.llm.generate('x');
      done++;
    });
    await hooks.failAll(() => done === CALLS && background(app).running === 0);
    await Promise.all(calls);
    expect(hooks.calls).toBe(STREAMS + CALLS);
    expect(background(app)).toEqual({ running: 0, pending: 0, dropped: 0 });
  });

  it('do not block background handlers that fail while the consumer is idle', async () => {
    const app = await startApp({ providers: [FailsLater] });
    const reader = app.module.get(AgentService).stream('hi')[Symbol.asyncIterator]();
    const read: string[] = [];
    while (read.at(-1) !== 'llm.end') read.push((await reader.next()).value!.type);
    await app.module.get(FailsLater).failAll(() => background(app).running === 0);
    for (let item = await reader.next(); !item.done; item = await reader.next())
      read.push(item.value.type);
    expect(read).toContain('callback.error');
    expect(read.slice(-1)).toEqual(['agent.end']);
  });

  it('do not block a call that a tool has started and not awaited', async () => {
    const finish = new Gate();
    let left: Promise<string> | undefined;
    const leave = defineTool({
      name: 'leave',
      description: 'Leaves a call running.',
      execute: () => {
        left = finish.opened.then(async () => (await llm.generate('later')).text);
        return 'left';
      },
    });
    const app = await startApp(
      {},
      { answers: [{ toolCalls: [{ name: 'leave' }] }, 'done', ...always('later')] },
    );
    const llm = app.llm;
    const agent = app.module.get(AgentService).create({ tools: [leave] });
    const events = await readAll(agent.stream('go'));
    finish.open();
    expect(await left).toBe('later');
    expect(events.at(-1)!.type).toBe('agent.end');
    expect(app.module.get(OpenRuns, { strict: false }).size).toBe(0);
  });

  it('complete for the agent even if its consumer has stopped before the last one', async () => {
    const app = await startApp();
    const stream = app.module.get(AgentService).stream('hi');
    const reader = stream[Symbol.asyncIterator]();
    while ((await reader.next()).value!.type !== 'agent.step');
    expect(await stream.result).toMatchObject({ output: 'hello' });
    expect(app.module.get(OpenRuns, { strict: false }).size).toBe(0);
    expect((await reader.next()).value).toMatchObject({ type: 'agent.end' });
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  });

  it('stop at the terminal event, even if a call is still running', async () => {
    const opened = new Gate();
    const release = new Gate();
    const app = await startApp({}, { answers: [{ toolCalls: [{ name: 'leave' }] }, 'done', 'x'] });
    let left: Promise<unknown> | undefined;
    const llm = app.module.get(LlmService);
    const tool = defineTool({
      name: 'leave',
      description: 'Leaves a stream running.',
      execute: () => {
        const stream = llm.stream('later');
        left = opened.opened.then(() => release.opened).then(() => stream.response);
        return 'left';
      },
    });
    const events: CallbackEvent[] = [];
    for await (const event of app.module
      .get(AgentService)
      .create({ tools: [tool] })
      .stream('go')) {
      events.push(event);
      if (event.type === 'agent.end') {
        opened.open();
        release.open();
        await left;
      }
    }
    expect(events.at(-1)!.type).toBe('agent.end');
  });
});
