import { setTimeout as delay } from 'node:timers/promises';
import {
  type LimitStore,
  LlmServerError,
  type CallbacksModuleOptions,
  type LlmChunk,
  type LlmProvider,
  type LlmProviderContext,
  type LlmRequest,
  MemoryLimitStore,
  type ProviderResult,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { defer, type Deferred } from '../../src/util/promises.js';
import { startApp } from './app.js';

/** Ten cents per output token; input costs nothing. */
export const PRICES = { fake: { inputPerMillion: 0, outputPerMillion: 100_000 } };

const PATIENCE_MS = 20_000;

/** A request that waits for the test to answer it. */
export interface Pending {
  readonly request: LlmRequest;
  /** Answers with the given number of tokens at ten cents. */
  answer(outputTokens: number): void;
  fail(): void;
}

/** A model that answers at once with `tokens`, or, with `'by hand'`, when the test lets it. */
export class MeteredLlm implements LlmProvider {
  readonly name = 'fake';
  readonly requests: Pending[] = [];
  #isAsked: Deferred<void> = defer();

  constructor(private readonly tokens: number | 'by hand' = 1) {}

  async generate(request: LlmRequest, { signal }: LlmProviderContext): Promise<ProviderResult> {
    signal.throwIfAborted();
    const answering = defer<number>();
    answering.promise.catch(() => undefined);
    const pending: Pending = {
      request,
      answer: (tokens) => answering.resolve(tokens),
      fail: () => answering.reject(new LlmServerError('down')),
    };
    this.requests.push(pending);
    if (this.tokens !== 'by hand') pending.answer(this.tokens);
    this.#isAsked.resolve();
    this.#isAsked = defer();
    return resultOf(request, await answering.promise);
  }

  /** One word per token. */
  async *stream(
    request: LlmRequest,
    context: LlmProviderContext,
  ): AsyncIterable<LlmChunk | ProviderResult> {
    const result = await this.generate(request, context);
    for (let i = 0; i < result.usage.outputTokens; i++) {
      context.signal.throwIfAborted();
      context.onUsage?.({ ...result.usage, outputTokens: i + 1, totalTokens: i + 1 });
      yield { type: 'text', text: 'word ' };
    }
    yield result;
  }

  /** Resolves when the given number of requests have arrived. */
  async asked(count: number): Promise<void> {
    while (this.requests.length < count) await this.#isAsked.promise;
  }
}

function resultOf({ model }: LlmRequest, outputTokens: number): ProviderResult {
  const text = 'word '.repeat(outputTokens);
  return {
    id: '1',
    model,
    text,
    message: { role: 'assistant', content: text },
    toolCalls: [],
    finishReason: 'stop',
    usage: {
      inputTokens: 0,
      outputTokens,
      totalTokens: outputTokens,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      cacheWrite1hTokens: 0,
      reasoningTokens: 0,
      source: 'provider',
    },
  };
}

/** An application with such a model and these callbacks. */
export async function startLimited(
  callbacks: object[],
  tokens: number | 'by hand' = 1,
  options: CallbacksModuleOptions = {},
) {
  const provider = new MeteredLlm(tokens);
  const recording = new RecordingCallbacks();
  const app = await startApp(
    {},
    {
      llm: { provider, model: 'fake' },
      callbacks: [recording, ...callbacks],
      prices: PRICES,
      ...options,
    },
  );
  return { ...app, provider, recording };
}

/** Polls until the value is the expected one; fails only by the timeout of the test. */
export async function eventually(check: () => boolean | Promise<boolean>): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  while (!(await check())) {
    if (performance.now() > until) throw new Error('What was waited for never came.');
    await delay(2);
  }
}

/**
 * A store in memory whose first reservation is refused for a moment, as if another process had the only place.
 *
 * @param onRetry called before the second attempt
 */
export function refusesFirst(retryAfterMs = 1, onRetry = () => {}): LimitStore {
  const store = new MemoryLimitStore();
  const reserve = store.reserve.bind(store);
  let attempts = 0;
  store.reserve = async (request) => {
    if (++attempts === 2) onRetry();
    if (attempts > 1) return reserve(request);
    return { granted: false, claim: 0, used: 1, reserved: 0, retryAfterMs };
  };
  return store;
}
