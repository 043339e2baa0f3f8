import type { RequestContext } from '../events/event.js';
import type {
  EmbedRequest,
  EmbedResult,
  LlmChunk,
  LlmRequest,
  ProviderResult,
  ServerAddress,
} from '../types/llm.js';
import type { Usage } from '../types/usage.js';

/** A failed attempt that is retried. */
export interface LlmRetry {
  readonly error: Error;
  /** The delay before the next attempt, in milliseconds; it may have passed already. */
  readonly delayMs: number;
}

/** What a provider gets besides the request. */
export interface LlmProviderContext {
  /** The context of the call: user, tenant, conversation, tags … */
  readonly context: RequestContext;
  /** Fires when the call is aborted: stop the request then. */
  readonly signal: AbortSignal;
  /** `false` on a stream whose text is not needed: leave it out of the result. */
  readonly collect: boolean;
  /** How often the provider may retry by itself; if absent, the provider decides. */
  readonly maxRetries?: number | undefined;
  /** When the call's `timeoutMs` expires, by `performance.now()`; absent if the call has no such limit. */
  readonly deadline?: number | undefined;
  /**
   * Whether the run has a span of its own (`replacesSdkSpans` of an object with `@BindContext()`), so that an SDK that
   * makes spans should make none for this request; spans of HTTP requests are welcome.
   */
  readonly hasSpan?: boolean | undefined;
  /** Call it for every attempt after the first. */
  readonly onRetry: (retry: LlmRetry) => void;
  /**
   * Call it when the server reports counts so far, so that a call cut short can be billed. Use `source: 'estimated'`
   * while the output is not counted; it is then estimated from the chunks.
   */
  readonly onUsage: (usage: Usage) => void;
  /** Call it when a stream reports which model answers; its price then also applies to a call that is cut short. */
  onModel(model: string): void;
}

/** What a provider can do; what it does not declare is `undefined`. */
export interface LlmProviderCapabilities {
  /**
   * Its own code starts no runs and reads no context of the application: it is called without one, which makes all of
   * its promises faster.
   */
  readonly contextFree?: boolean;
  /**
   * Where the counts of its results come from. `'server'`: passed on from a server, which may send zeros for what it
   * does not count; zeros beside an answer with content are estimated then. `'exact'`: zeros are right.
   * @default 'exact'
   */
  readonly usage?: 'exact' | 'server';
  /** It sends `tools`, and returns tool calls. */
  readonly tools?: boolean;
  /** It sends `schema` in a mode of the server for structured answers, or as an instruction. */
  readonly schema?: boolean;
  /** It sends images. */
  readonly images?: boolean;
  /** Its streams have chunks of the type `'reasoning'`. */
  readonly reasoning?: boolean;
}

/**
 * The interface to a model: implement it, and pass an instance as `llm.provider`, to add a provider. Prove it with
 * `describeProvider()` of `nestjs-llm-callbacks/testing`.
 *
 * Errors of the `LlmError` tree reach the caller unchanged; other errors are wrapped in one, as its `cause`.
 *
 * @example
 * ```ts
 * class Parrot implements LlmProvider {
 *   readonly name = 'parrot';
 *   async generate({ model, messages }: LlmRequest): Promise<ProviderResult> {
 *     const text = String(messages.at(-1)?.content);
 *     const message = { role: 'assistant' as const, content: text };
 *     return { id: '1', model, text, message, toolCalls: [], finishReason: 'stop', usage: UNREPORTED_USAGE };
 *   }
 *   async *stream(request: LlmRequest) {
 *     const result = await this.generate(request);
 *     yield { type: 'text' as const, text: result.text };
 *     yield result;
 *   }
 * }
 * ```
 */
export interface LlmProvider {
  /** The provider's name in events, errors and prices. */
  readonly name: string;
  /** The server that it calls, for `event.server` and telemetry. */
  readonly server?: ServerAddress | undefined;
  /** What it can do, constant over time. What is declared must hold, and is tested by `describeProvider()`. */
  readonly capabilities?: LlmProviderCapabilities | undefined;
  /** Called once at start-up: throw a `CallbacksConfigurationError` to prevent the start. */
  prepare?(): void | Promise<void>;
  /**
   * Sends one request, with all fields of `request` that the server knows and with `providerOptions` as they are, and
   * returns its answer:
   * - `text` is all text, `''` if there is none; `message` is the answer as a message, with its tool calls;
   * - `toolCalls` have parsed `args` and, as `argsText`, what the model wrote; if that is not JSON, an `argsError`;
   * - `finishReason` is the server's, in the terms of this library; `model` is the one that answered;
   * - `usage` has the counts of the server, or is {@link UNREPORTED_USAGE} if it sent none.
   *
   * Fails with an `LlmError` of the right kind, with the `status` of the server and, for a rate limit, `retryAfterMs`: an
   * answer in another format is an `LlmResponseError`, a lost connection an `LlmConnectionError`. Sends nothing if
   * `signal` has fired; when it fires, cancels the request and rejects. Retries by itself at most `maxRetries` times,
   * only after retryable errors, and reports each retry by `onRetry`.
   */
  generate(request: LlmRequest, context: LlmProviderContext): Promise<ProviderResult>;
  /**
   * Does the same for a streamed answer. Yields its pieces as they arrive: text, reasoning, which is no part of the text,
   * and parts of tool calls, the first of which has `id` and `name`. The last item is the result, with the same content
   * as that of `generate`.
   *
   * Fails if the stream ends before the answer does, or reports an error. When its reader leaves (`return()`), it cancels
   * the request.
   */
  stream(
    request: LlmRequest,
    context: LlmProviderContext,
  ): AsyncIterable<LlmChunk | ProviderResult>;
  /**
   * Sends one request, with the texts, `model`, `dimensions` and `providerOptions` as they are, and returns the
   * embeddings of the texts; a provider without embeddings leaves it out:
   * - `embeddings` has a vector for each text, in the order of the texts, whatever order the server has; the vectors are
   *   arrays of finite numbers, all of one length, which is checked at each call, too;
   * - `model` is the one that answered;
   * - `usage` has the count of the server, or is {@link UNREPORTED_USAGE} if it sent none.
   *
   * Errors, `signal` and retries are those of {@link generate}. `describeProvider()` tests all of this with the option
   * `embeddings: true`.
   *
   * @example
   * ```ts
   * async embed({ model, input }: EmbedRequest): Promise<EmbedResult> {
   *   return { embeddings: input.map((text) => [text.length, 1]), model, usage: UNREPORTED_USAGE };
   * }
   * ```
   */
  embed?(request: EmbedRequest, context: LlmProviderContext): Promise<EmbedResult>;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const LlmProvider: object = Object;

/** Whether a provider's own code starts no runs, as far as known. */
export function isContextFree({ capabilities }: LlmProvider): boolean {
  return capabilities?.contextFree ?? false;
}
