import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import {
  AgentService,
  CallbacksService,
  Chain,
  defineTool,
  LlmService,
  OnLlmEnd,
  OnLlmStart,
  Retrieval,
} from 'nestjs-llm-callbacks';
import { OpenTelemetryCallbacks } from 'nestjs-llm-callbacks/otel';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import { clientCaller, ownCaller, type Caller } from '../observe/callers.js';
import { closeApps, startApp } from '../support/app.js';
import { context, trace } from '../support/otel/api.js';
import { Telemetry } from '../support/otel/telemetry.js';
import { treeOf } from '../support/otel/tree.js';
import { describeWithPostgres, POSTGRES_URL } from '../support/services.js';
import { Bench, HELLO, says, WIRES, type WireFormat } from '../support/wire/index.js';
import { newClient } from '../support/wire/sdk-clients.js';

let telemetry: Telemetry;
let unregister: () => void;

/** What exports is not traced itself. */
const isExport = ({ origin }: { origin: string }) => origin === telemetry.collector.url;
const undici = () => new UndiciInstrumentation({ ignoreRequestHook: isExport });

beforeEach(async () => {
  telemetry = await Telemetry.start();
  unregister = registerInstrumentations({
    instrumentations: [undici()],
    tracerProvider: telemetry.tracerProvider,
  });
});
afterEach(async () => {
  await closeApps();
  unregister();
  await telemetry.stop();
});

const tracer = () => trace.getTracer('application');

/** Work in a span of the application. */
function inSpan<R>(name: string, work: () => Promise<R>): Promise<R> {
  return tracer().startActiveSpan(name, async (span) => {
    try {
      return await work();
    } finally {
      span.end();
    }
  });
}

describe.each(WIRES)('Calls of $name', (wire: WireFormat) => {
  let bench: Bench;
  beforeEach(async () => {
    bench = new Bench(wire, {
      callbacks: [new OpenTelemetryCallbacks()],
      llm: { maxRetries: 1 },
    });
    await bench.open();
  });
  afterEach(() => bench.close());

  const callers: Record<string, () => Caller> = {
    own: () => ownCaller(bench.llm),
    observed: () => {
      const client = newClient(wire, bench.server.origin);
      return clientCaller(wire, bench.app.get(CallbacksService).observe(client));
    },
  };

  describe.each(Object.keys(callers))('that are %s', (kind) => {
    it('have one span, with the HTTP request below and the active span above', async () => {
      bench.server.answers(says(wire, 'generate', HELLO));
      await inSpan('request', () => callers[kind]!().whole());
      expect(treeOf(await telemetry.spans())).toEqual([
        'request',
        `  chat ${wire.model}`,
        '    POST',
      ]);
    });

    it('have one span, of which the loop of the consumer is no part', async () => {
      bench.server.answers(says(wire, 'stream', HELLO));
      await inSpan('request', async () => {
        const before = trace.getActiveSpan();
        let pieces = 0;
        for await (const _ of await callers[kind]!().stream()) {
          expect(trace.getActiveSpan()).toBe(before);
          await inSpan(pieces++ === 0 ? 'consumer' : 'consumer again', async () => undefined);
        }
        expect(trace.getActiveSpan()).toBe(before);
      });
      const spans = (await telemetry.spans()).filter(({ name }) => name !== 'consumer again');
      expect(treeOf(spans).toSorted()).toEqual(
        ['request', `  chat ${wire.model}`, '    POST', '  consumer'].toSorted(),
      );
    });

    it('retries below one span', async () => {
      bench.server.answers(
        ({ response }) => void response.writeHead(503, { 'retry-after-ms': '1' }).end('{}'),
        says(wire, 'generate', HELLO),
      );
      await callers[kind]!().whole();
      const spans = await telemetry.spans();
      expect(treeOf(spans)).toEqual([`chat ${wire.model}`, '  POST', '  POST']);
      expect(spans[0]!.events).toMatchObject([
        {
          name: 'retry',
          attributes: { 'nestjs_llm_callbacks.retry.attempt': 1, 'error.type': 'overloaded' },
        },
      ]);
    });
  });

  it('say which server is called, without its path', async () => {
    bench.server.answers(says(wire, 'generate', HELLO), says(wire, 'generate', HELLO));
    for (const caller of Object.values(callers)) await caller().whole();
    const spans = await telemetry.spans();
    const { hostname, port } = new URL(bench.server.origin);
    const servers = spans
      .filter(({ name }) => name.startsWith('chat'))
      .map(({ attributes }) => [attributes['server.address'], attributes['server.port']]);
    expect(servers).toEqual([
      [hostname, Number(port)],
      [hostname, Number(port)],
    ]);
  });
});

@Injectable()
class Desk {
  constructor(
    private readonly llm: LlmService,
    private readonly agent: AgentService,
  ) {}

  @Chain('answer') async answer() {
    return inSpan('inner', async () => {
      await this.find();
      return this.llm.generate('Hi');
    });
  }

  @Retrieval({ source: 'docs' }) async find() {
    await inSpan('index', async () => undefined);
    return [{ id: 'a', score: 1 }];
  }

  @Chain('outer') async outer() {
    await this.answer();
    await this.agent.run('Look');
  }

  @Chain('stream') stream() {
    return this.llm.stream('Hi');
  }
}

const look = defineTool({
  name: 'look',
  description: 'Looks.',
  execute: async () => inSpan('database', async () => 'seen'),
});

async function startDesk(fake?: FakeLlm) {
  const app = await startApp(
    { providers: [Desk] },
    {
      callbacks: [new OpenTelemetryCallbacks()],
      agent: { tools: [look] },
      ...(fake && { llm: { provider: fake, model: 'fake' } }),
    },
  );
  return app.module.get(Desk);
}

describe('The tree of runs', () => {
  it('is the tree of spans, with the spans of the application where they were made', async () => {
    const fake = new FakeLlm([
      'first',
      {
        toolCalls: [
          { name: 'look', args: {} },
          { name: 'look', args: {} },
        ],
      },
      'done',
    ]);
    const desk = await startDesk(fake);
    await inSpan('request', () => desk.outer());
    expect(treeOf(await telemetry.spans())).toEqual([
      'request',
      '  invoke_workflow outer',
      '    chain answer',
      '      inner',
      '        retrieval docs',
      '          index',
      '        chat fake',
      '    invoke_agent default',
      '      chat fake',
      '      execute_tool look',
      '        database',
      '      execute_tool look',
      '        database',
      '      chat fake',
    ]);
  });

  it('does not contain what reads the stream of a chain', async () => {
    const desk = await startDesk();
    await inSpan('request', async () => {
      for await (const _ of desk.stream()) await inSpan('consumer', async () => undefined);
    });
    expect(treeOf(await telemetry.spans()).toSorted()).toEqual(
      ['request', '  consumer', '  invoke_workflow stream', '    chat fake'].toSorted(),
    );
  });

  it('has the active span in the handlers of a run, which may add to it until its end', async () => {
    class Handlers {
      readonly seen: (string | undefined)[] = [];
      @OnLlmStart() start() {
        this.seen.push(trace.getActiveSpan()?.spanContext().spanId);
      }
      @OnLlmEnd() async end() {
        trace.getActiveSpan()?.setAttribute('score', 1);
      }
    }
    const handlers = new Handlers();
    const { llm } = await startApp({}, { callbacks: [new OpenTelemetryCallbacks(), handlers] });
    await llm.generate('Hi');
    const [span] = await telemetry.spans();
    expect(handlers.seen).toEqual([span!.spanId]);
    expect(span!.attributes['score']).toBe(1);
    expect(context.active()).toBeDefined();
  });
});

describeWithPostgres('The database span of a tool', () => {
  it('is below the span of the tool, in a stream too', async () => {
    const instrumentation = new PgInstrumentation();
    instrumentation.setTracerProvider(telemetry.tracerProvider);
    // Jest has a module system of its own, in which nothing is hooked.
    const { default: pg } = await import('pg');
    const [definition] = instrumentation.getModuleDefinitions();
    definition!.patch!(pg, '8');
    const client = new pg.Client(POSTGRES_URL);
    await client.connect();
    try {
      const query = defineTool({
        name: 'query',
        description: 'Asks the database.',
        execute: async () => (await client.query('SELECT 1 AS one')).rows as unknown,
      });
      const call = { toolCalls: [{ name: 'query', args: {} }] };
      const { module } = await startApp(
        {},
        {
          callbacks: [new OpenTelemetryCallbacks()],
          agent: { tools: [query] },
          answers: [call, 'done', call, 'done'],
        },
      );
      const agent = module.get(AgentService);
      await agent.run('Ask');
      for await (const _ of agent.stream('Ask'));
      const tree = treeOf(await telemetry.spans()).filter((line) => !line.includes('connect'));
      const run = [
        'invoke_agent default',
        '  chat fake',
        '  execute_tool query',
        '    pg.query:SELECT test',
        '  chat fake',
      ];
      expect(tree).toEqual([...run, ...run]);
    } finally {
      definition!.unpatch!(pg, '8');
      await client.end();
    }
  });
});
