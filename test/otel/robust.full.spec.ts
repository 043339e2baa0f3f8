import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Injectable, Query } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TracerProvider } from '@opentelemetry/api';
import {
  AgentService,
  CallbacksModule,
  CallbacksService,
  defineTool,
  LlmService,
  RateLimiter,
  OnLlmEnd,
  OnLlmStart,
  type CallbackEvent,
  type LlmEndEvent,
} from 'nestjs-llm-callbacks';
import { OpenTelemetryCallbacks } from 'nestjs-llm-callbacks/otel';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { always, closeApps, startApp, willClose } from '../support/app.js';
import { Gate, settle } from '../support/gate.js';
import { refusesFirst } from '../support/limited.js';
import { logs, testLogger } from '../support/logs.js';
import { context, trace } from '../support/otel/api.js';
import { Telemetry } from '../support/otel/telemetry.js';
import { treeOf } from '../support/otel/tree.js';

afterEach(closeApps);

describe('Without an SDK', () => {
  it('nothing is made, and nothing breaks', async () => {
    const { llm, module } = await startApp(
      {},
      { callbacks: [new OpenTelemetryCallbacks({ content: 'both' }), new RecordingCallbacks()] },
    );
    const seen: (string | undefined)[] = [];
    module.get(CallbacksService).on('llm.end', ({ spanId }) => void seen.push(spanId));
    await llm.generate('Hi');
    for await (const _ of llm.stream('Hi'));
    expect(seen).toEqual([undefined, undefined]);
    expect(logs).toEqual([]);
  });

  it('a span of the inbound request is not taken for one of the run', async () => {
    const recording = new RecordingCallbacks();
    const url = await startServer([new OpenTelemetryCallbacks(), recording]);
    await ask(url, { traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01` });
    const [start] = recording.of('llm.start');
    expect(start!.traceId).toBe('ab'.repeat(16));
    expect(start!.spanId).toBeUndefined();
  });
});

describe('Telemetry that throws breaks no call', () => {
  const fail = () => {
    throw new Error('telemetry');
  };
  const span = (broken: string): object => {
    const methods: Record<string, unknown> = {
      spanContext: () => ({ traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceFlags: 1 }),
      isRecording: () => true,
    };
    const methodOf = (name: string) => (name === broken ? fail : (methods[name] ?? (() => 1)));
    return new Proxy(methods, { get: (_, name) => methodOf(String(name)) });
  };
  const providers: Record<string, object> = {
    getTracer: { getTracer: fail },
    startSpan: { getTracer: () => ({ startSpan: fail }) },
    ...Object.fromEntries(
      ['spanContext', 'isRecording', 'setAttributes', 'addEvent', 'setStatus', 'end'].map(
        (method) => [method, { getTracer: () => ({ startSpan: () => span(method) }) }],
      ),
    ),
  };

  it.each(Object.keys(providers))('%s', async (broken) => {
    const callbacks = new OpenTelemetryCallbacks({
      content: 'spans',
      tracerProvider: providers[broken] as TracerProvider,
    });
    const recording = new RecordingCallbacks();
    const { llm } = await startApp(
      {},
      { callbacks: [callbacks, recording], answers: ['a', 'b', new Error('c')] },
    );
    expect((await llm.generate('Hi')).text).toBe('a');
    let text = '';
    for await (const chunk of llm.stream('Hi')) if ('text' in chunk) text += chunk.text;
    expect(text).toBe('b');
    await expect(llm.generate('Hi')).rejects.toThrow('c');
    expect(recording.of('callback.error')).toEqual([]);
  });

  it('a logger provider', async () => {
    const { llm } = await startApp(
      {},
      {
        callbacks: [
          new OpenTelemetryCallbacks({ content: 'events', loggerProvider: { getLogger: fail } }),
        ],
      },
    );
    expect((await llm.generate('Hi')).text).toBe('hello');
  });
});

/** Asks a model, and sees which trace it belongs to. */
@Injectable()
class Traces {
  readonly events: LlmEndEvent[] = [];
  @OnLlmStart() async wait() {
    await Promise.resolve();
  }
  @OnLlmEnd() end(event: LlmEndEvent) {
    this.events.push(event);
  }
}

@Controller()
class AskController {
  constructor(
    private readonly llm: LlmService,
    private readonly agent: AgentService,
  ) {}
  @Get('ask') async ask(@Query('agent') agent?: string) {
    if (agent) return (await this.agent.run('Look')).output;
    return (await this.llm.generate('Hi')).text;
  }
}

const look = defineTool({ name: 'look', description: 'Looks.', execute: async () => 'seen' });

async function startServer(callbacks: object[], fake = new FakeLlm(always('hello'))) {
  const module = await Test.createTestingModule({
    imports: [
      CallbacksModule.forRoot({
        llm: { provider: fake, model: 'fake' },
        agent: { tools: [look] },
        callbacks,
      }),
    ],
    controllers: [AskController],
  })
    .setLogger(testLogger)
    .compile();
  const app = willClose(module.createNestApplication());
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

const ask = async (url: string, headers: Record<string, string>, query = '') =>
  (await fetch(`${url}/ask${query}`, { headers })).text();

describe('With an SDK', () => {
  let telemetry: Telemetry;
  beforeEach(async () => {
    telemetry = await Telemetry.start();
  });
  afterEach(() => telemetry.stop());

  it('the parent of a root is the span of the inbound traceparent, if no other is active', async () => {
    const recording = new RecordingCallbacks();
    const url = await startServer([new OpenTelemetryCallbacks(), recording]);
    await ask(url, { traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01` });
    await ask(url, { traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-00` });
    await ask(url, { traceparent: 'nonsense' });
    // The second one is not sampled.
    const spans = await telemetry.spans();
    expect(spans.map(({ traceId, parentSpanId }) => [traceId, parentSpanId])).toEqual([
      ['ab'.repeat(16), 'cd'.repeat(8)],
      [expect.not.stringMatching(/^(ab)+$/), undefined],
    ]);
    expect(recording.of('llm.end').map(({ spanId, traceId }) => [traceId, spanId])).toEqual([
      [spans[0]!.traceId, spans[0]!.spanId],
      ['ab'.repeat(16), expect.stringMatching(/^[\da-f]{16}$/)],
      [spans[1]!.traceId, spans[1]!.spanId],
    ]);
  });

  it('each span of 1,000 concurrent requests has the trace of its request', async () => {
    const all = new Gate();
    const fake = new FakeLlm(async (request) => {
      await all.pass();
      const isFirst = request.messages.length === 1 && request.tools?.length;
      return isFirst ? { toolCalls: [{ name: 'look', args: {} }] } : 'hello';
    });
    const url = await startServer([new OpenTelemetryCallbacks()], fake);
    const ids = Array.from({ length: 1_000 }, (_, i) => (i + 1).toString(16).padStart(32, '0'));
    const asking: Promise<string>[] = [];
    for (const [i, id] of ids.entries()) {
      const traceparent = `00-${id}-${'cd'.repeat(8)}-01`;
      asking.push(ask(url, { traceparent }, i % 2 ? '?agent=1' : ''));
      // All are in progress at once, but a server accepts only so many connections at a time.
      if (asking.length % 100 === 0) await all.reached(asking.length);
    }
    all.open();
    await Promise.all(asking);
    const spans = await telemetry.spans();
    const byTrace = new Map<string, string[]>();
    for (const id of ids) byTrace.set(id, []);
    for (const { traceId, name } of spans) byTrace.get(traceId)!.push(name);
    for (const [i, id] of ids.entries())
      expect(byTrace.get(id)!.toSorted()).toEqual(
        i % 2
          ? ['chat fake', 'chat fake', 'execute_tool look', 'invoke_agent default']
          : ['chat fake'],
      );
  });

  it('the ids of events are those of spans, in the code of the application too', async () => {
    const traces = new Traces();
    const recording = new RecordingCallbacks();
    const { llm } = await startApp(
      {},
      { callbacks: [new OpenTelemetryCallbacks(), traces, recording] },
    );
    await llm.generate('Hi');
    const [span] = await telemetry.spans();
    const ids = recording.events.map(({ traceId, spanId }: CallbackEvent) => [traceId, spanId]);
    expect(new Set(ids.flat())).toEqual(new Set([span!.traceId, span!.spanId]));
    expect(traces.events).toHaveLength(1);
  });

  it('the tree is right without a context manager, too', async () => {
    context.disable();
    const { module } = await startApp(
      {},
      {
        callbacks: [new OpenTelemetryCallbacks()],
        agent: { tools: [look] },
        answers: [{ toolCalls: [{ name: 'look', args: {} }] }, 'done'],
      },
    );
    await module.get(AgentService).run('Look');
    expect(treeOf(await telemetry.spans())).toEqual([
      'invoke_agent default',
      '  chat fake',
      '  execute_tool look',
      '  chat fake',
    ]);
  });

  it('is a provider without options', async () => {
    const { llm } = await startApp({ providers: [OpenTelemetryCallbacks] });
    await llm.generate('Hi');
    expect(await telemetry.spans()).toHaveLength(1);
  });

  it('an instance in two lists makes one span a run', async () => {
    const callbacks = new OpenTelemetryCallbacks();
    const { llm } = await startApp({}, { callbacks: [callbacks] });
    await llm.generate('Hi', { callbacks: [callbacks] });
    expect(await telemetry.spans()).toHaveLength(1);
  });

  it('the span of a run lasts from before its start handlers', async () => {
    let until = 0;
    class Slow {
      @OnLlmStart() async wait() {
        until = Date.now() + 3;
        while (Date.now() < until) await settle();
      }
    }
    const { llm } = await startApp({}, { callbacks: [new Slow(), new OpenTelemetryCallbacks()] });
    await llm.generate('Hi');
    const [span] = await telemetry.spans();
    expect(Number(span!.start / 1_000_000n)).toBeLessThanOrEqual(until - 3);
    expect(Number(span!.end - span!.start)).toBeGreaterThan(2e6);
  });

  it('a tool call that waits for approval, and one that was denied, are no failures', async () => {
    const pay = defineTool({
      name: 'pay',
      description: 'Pays.',
      needsApproval: true,
      execute: async () => 'paid',
    });
    const call = { toolCalls: [{ id: 'c1', name: 'pay', args: {} }] };
    const { module } = await startApp(
      {},
      {
        callbacks: [new OpenTelemetryCallbacks()],
        agent: { tools: [pay] },
        answers: [call, 'Not paid.', call, 'Paid.'],
      },
    );
    const agent = module.get(AgentService);
    for (const approve of [false, true]) {
      const { pending } = await agent.run('Pay');
      await agent.resume(pending!, { c1: { approve } });
    }
    const tools = (await telemetry.spans()).filter(({ name }) => name === 'execute_tool pay');
    expect(
      tools.map(({ status, attributes, events }) => [
        status.code,
        attributes['error.type'],
        events.map((event) => [event.name, Object.values(event.attributes)[0]].join(' ')),
      ]),
    ).toEqual([
      ['UNSET', undefined, ['approval pending']],
      ['UNSET', undefined, ['approval denied']],
      ['UNSET', undefined, ['approval pending']],
      ['UNSET', undefined, ['approval approved']],
    ]);
  });

  it('a wait for a limiter is an event of the span', async () => {
    const store = refusesFirst(1, () => undefined);
    const gate = new RateLimiter({ name: 'gate', requestsPerMinute: 9, mode: 'wait', store });
    const { llm } = await startApp({}, { callbacks: [new OpenTelemetryCallbacks(), gate] });
    await llm.generate('Hi');
    const [span] = await telemetry.spans();
    expect(span!.events).toMatchObject([
      {
        name: 'limiter.wait',
        attributes: {
          'nestjs_llm_callbacks.limiter.name': 'gate',
          'nestjs_llm_callbacks.limiter.waited': expect.any(Number),
        },
      },
    ]);
  });

  it('an aborted run is an error of the type `aborted`', async () => {
    const { llm } = await startApp(
      {},
      {
        callbacks: [new OpenTelemetryCallbacks()],
        llm: { provider: new FakeLlm(() => new Promise(() => undefined)), model: 'fake' },
      },
    );
    await llm.generate('Hi', { timeoutMs: 5 }).catch(() => undefined);
    await llm.generate('Hi', { signal: AbortSignal.abort() }).catch(() => undefined);
    const spans = await telemetry.spans();
    expect(spans.map(({ attributes, status }) => [attributes['error.type'], status.code])).toEqual([
      ['timeout', 'ERROR'],
      ['aborted', 'ERROR'],
    ]);
    expect(spans[1]!.attributes['nestjs_llm_callbacks.aborted']).toBe(true);
  });

  it('forgets runs when they end', async () => {
    const { OpenTelemetryRuns } = await import('../../src/otel/run-telemetry.js');
    const ended = jest.spyOn(OpenTelemetryRuns.prototype, 'end');
    const { llm } = await startApp(
      {},
      { callbacks: [new OpenTelemetryCallbacks()], answers: ['a', new Error('b'), 'c'] },
    );
    await llm.generate('Hi');
    await llm.generate('Hi').catch(() => undefined);
    for await (const _ of llm.stream('Hi')) break;
    expect(ended.mock.contexts.map((runs) => (runs as { size: number }).size)).toEqual([0, 0, 0]);
    ended.mockRestore();
  });

  it('a run of a handler is below the run that the handler serves', async () => {
    class Judge {
      llm: LlmService | undefined;
      @OnLlmEnd() async judge() {
        await this.llm!.generate('Good?');
      }
    }
    const judge = new Judge();
    const { llm } = await startApp({}, { callbacks: [new OpenTelemetryCallbacks(), judge] });
    judge.llm = llm;
    await llm.generate('Hi');
    expect(treeOf(await telemetry.spans())).toEqual(['chat fake', '  chat fake']);
    expect(trace.getSpan(context.active())).toBeUndefined();
  });
});
