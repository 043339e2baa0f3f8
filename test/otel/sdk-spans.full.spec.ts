import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import Anthropic from '@anthropic-ai/sdk';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { CallbacksService, Chain, LlmService } from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import { OpenTelemetryCallbacks, type OpenTelemetryOptions } from 'nestjs-llm-callbacks/otel';
import { clientCaller } from '../observe/callers.js';
import { Telemetry } from '../support/otel/telemetry.js';
import { treeOf } from '../support/otel/tree.js';
import { anthropic } from '../support/wire/anthropic.js';
import { Bench, HELLO, json, says, type BenchOptions } from '../support/wire/index.js';
import { newAnthropic } from '../support/wire/sdk-clients.js';

let telemetry: Telemetry;
let unregister: () => void;
let bench: Bench;

beforeEach(async () => {
  telemetry = await Telemetry.start();
  unregister = registerInstrumentations({
    instrumentations: [
      new UndiciInstrumentation({
        ignoreRequestHook: ({ origin }) => origin === telemetry.collector.url,
      }),
    ],
    tracerProvider: telemetry.tracerProvider,
  });
});
afterEach(async () => {
  await bench.close();
  unregister();
  await telemetry.stop();
});

@Injectable()
class Chains {
  constructor(private readonly llm: LlmService) {}
  @Chain('answer') answer() {
    return this.llm.generate('Hi', { maxOutputTokens: 9 });
  }
}

async function start(options?: OpenTelemetryOptions | null, more: BenchOptions = {}) {
  const callbacks = options === null ? [] : [new OpenTelemetryCallbacks(options)];
  bench = new Bench(anthropic, {
    callbacks,
    providers: [Chains],
    ...more,
  });
  await bench.open();
  return bench;
}

const tree = async () => treeOf(await telemetry.spans());

/** Calls that are made in every way, whole and streamed. */
const WAYS: Record<string, () => Promise<unknown>> = {
  'own, whole': async () => {
    bench.server.answers(says(anthropic, 'generate', HELLO));
    await bench.llm.generate('Hi', { maxOutputTokens: 9 });
  },
  'own, streamed': async () => {
    bench.server.answers(says(anthropic, 'stream', HELLO));
    for await (const _ of bench.llm.stream('Hi', { maxOutputTokens: 9 }));
  },
  'observed, whole': async () => {
    bench.server.answers(says(anthropic, 'generate', HELLO));
    await observed().whole();
  },
  'observed, streamed': async () => {
    bench.server.answers(says(anthropic, 'stream', HELLO));
    for await (const _ of await observed().stream());
  },
  'observed, by the helper messages.stream()': async () => {
    bench.server.answers(says(anthropic, 'stream', HELLO));
    const messages = [{ role: 'user' as const, content: 'Hi' }];
    const body = { model: anthropic.model, max_tokens: 9, messages };
    await observedClient().messages.stream(body).finalMessage();
  },
  'observed, of a child of the client': async () => {
    bench.server.answers(says(anthropic, 'generate', HELLO));
    await clientCaller(anthropic, observedClient().withOptions({ maxRetries: 0 })).whole();
  },
};

const observedClient = (): Anthropic =>
  bench.app.get(CallbacksService).observe(newAnthropic(bench.server.origin));
const observed = () => clientCaller(anthropic, observedClient());

it.each([
  ['suppress', true],
  ['keep', false],
] as const)(
  'A provider of the application knows whether its run has a span: %s',
  async (sdkSpans, hasSpan) => {
    const seen: (boolean | undefined)[] = [];
    class Noting extends FakeLlm {
      override generate(...[request, call]: Parameters<FakeLlm['generate']>) {
        seen.push(call.hasSpan);
        return super.generate(request, call);
      }
      readonly server = { address: 'models.internal', port: 8443 };
    }
    const llm = { provider: new Noting(['hello']), model: 'own' } as const;
    await start(
      { sdkSpans },
      { llm: { ...llm, apiKey: undefined as never, baseURL: undefined as never } },
    );
    await bench.llm.generate('Hi');
    expect(seen).toEqual([hasSpan]);
    expect(bench.recording.of('llm.start')[0]!.server).toEqual(llm.provider.server);
  },
);

describe('The span of Anthropic’s SDK', () => {
  it('is made if nothing replaces it', async () => {
    await start(null);
    await WAYS['own, whole']!();
    await WAYS['observed, whole']!();
    const one = ['anthropic.messages.create', '  POST'];
    expect(await tree()).toEqual([...one, ...one]);
  });

  it.each(Object.keys(WAYS))('is replaced by default: %s', async (way) => {
    await start();
    await WAYS[way]!();
    expect(await tree()).toEqual([`chat ${anthropic.model}`, '  POST']);
  });

  it.each(Object.keys(WAYS).slice(0, 4))('is kept in place of ours if asked: %s', async (way) => {
    await start({ sdkSpans: 'keep' });
    await WAYS[way]!();
    expect(await tree()).toEqual(['anthropic.messages.create', '  POST']);
    const [start_] = bench.recording.of('llm.start');
    expect(start_!.tracedBySdk).toBe(true);
    expect(start_!.spanId).toBeUndefined();
  });

  it('is kept in its place in the tree', async () => {
    await start({ sdkSpans: 'keep' });
    bench.server.answers(says(anthropic, 'generate', HELLO));
    await bench.app.get(Chains).answer();
    expect(await tree()).toEqual([
      'invoke_workflow answer',
      '  anthropic.messages.create',
      '    POST',
    ]);
  });

  it('is kept while ours are off', async () => {
    await start({ traces: false });
    await WAYS['own, whole']!();
    await WAYS['observed, whole']!();
    const one = ['anthropic.messages.create', '  POST'];
    expect(await tree()).toEqual([...one, ...one]);
  });

  it('is kept for requests that are no runs', async () => {
    await start();
    bench.server.answers(json({ input_tokens: 3 }));
    const messages = [{ role: 'user' as const, content: 'Hi' }];
    await observedClient().messages.countTokens({ model: anthropic.model, messages });
    expect(await tree()).toEqual(['anthropic.messages.count_tokens', '  POST']);
  });

  it('is not made by a ready client, which stays the same object and makes others', async () => {
    let client: Anthropic | undefined;
    await start(undefined, {
      llm: (origin) => ({
        apiKey: undefined as never,
        baseURL: undefined as never,
        client: (client = newAnthropic(origin)),
      }),
    });
    await WAYS['own, whole']!();
    await WAYS['own, streamed']!();
    const own = [`chat ${anthropic.model}`, '  POST'];
    expect(await tree()).toEqual([...own, ...own]);
    bench.server.answers(says(anthropic, 'generate', HELLO));
    await clientCaller(anthropic, client!).whole();
    expect((await tree()).slice(4)).toEqual(['anthropic.messages.create', '  POST']);
  });

  it('is off by the client’s own option, and then `keep` has nothing to keep', async () => {
    await start(
      { sdkSpans: 'keep' },
      {
        llm: (origin) => ({
          apiKey: undefined as never,
          baseURL: undefined as never,
          client: newAnthropic(origin, { openTelemetry: false }),
        }),
      },
    );
    await WAYS['own, whole']!();
    expect(await tree()).toEqual([`chat ${anthropic.model}`, '  POST']);
  });
});
