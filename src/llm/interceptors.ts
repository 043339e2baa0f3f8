import type { EmbeddingStartEvent } from '../events/embedding.events.js';
import {
  BILLABLE_KINDS,
  type BillableKind,
  type EmittedFields,
  type ModelStartEvent,
} from '../events/event-map.js';
import type { LlmStartEvent } from '../events/llm.events.js';
import { interceptor, type Interceptor } from '../handlers/interceptor.js';
import type {
  EmbedRequest,
  EmbedResponse,
  LlmEstimate,
  LlmRequest,
  LlmResponse,
  ModelRequest,
  ModelResponse,
} from '../types/llm.js';
import type { Usage } from '../types/usage.js';
import type { LlmStream } from './llm-stream.js';

/** The usage and cost of requests. */
export interface LlmSpent {
  /** Requests sent to a provider; an SDK's own retries are not counted. */
  readonly requests: number;
  /** Tokens, estimated where a request was cut short. */
  readonly usage: Usage;
  /** US dollars; `null` when one of the prices is not known. */
  readonly cost: number | null;
}

/** A billable call of any kind as an interceptor receives it: after the changes of the outer interceptors. */
export interface InterceptedModelCall {
  /** What is requested: `'llm'` for an answer, `'embedding'` for embeddings. */
  readonly kind: BillableKind;
  /** The request that would be sent. */
  readonly request: ModelRequest;
  /** The start event, with the original request and the context: user, tenant, tags … */
  readonly event: ModelStartEvent;
  /** Fires when the call is aborted or its consumer stops reading: stop waiting then. */
  readonly signal: AbortSignal;
  /** Whether `next` returns an `LlmStream`. */
  readonly streaming: boolean;
  /** Whether the call was made by code other than this package, as `event.observed`. */
  readonly observed: boolean;
  /** The client that would be called; `'default'` for the client of `forRoot`. */
  readonly client: string;
  /** The client's label, or its provider's name; prices are looked up under it. */
  readonly provider: string;
  /** The most that the request can use; computed when it is read. */
  readonly estimate: LlmEstimate;
  /** The fewest input tokens that the request can have; computed when it is read. */
  readonly minInputTokens: number;
  /** The most output tokens that the request can use: 0 if its kind has none, `undefined` if it sets no limit. */
  readonly maxOutputTokens: number | undefined;
  /** The usage and cost so far of the requests that this interceptor sent through `next`. */
  readonly spent: LlmSpent;
  /** The price in US dollars of a number of tokens of the request's model; `null` when the price is not known. */
  priceOf(tokens: { inputTokens: number; outputTokens: number }): number | null;
  /** Waits for something that must not count in `durationMs`, such as a queue. Rejects when the call is aborted. */
  pause<T>(wait: PromiseLike<T>): Promise<T>;
  /**
   * Records that a limiter makes the call wait from now on. The returned function ends the wait, and emits
   * `limiter.wait`; call it in any case. `limiterWaitMs` of the call is the sum of its waits.
   *
   * @param limiter the name of the limiter
   *
   * @example
   * ```ts
   * class Slots { @InterceptModel() async wait(call: InterceptedModelCall, next: ModelNext) {
   *   const endWait = call.startWait('slots');
   *   try { await call.pause(this.freeSlot()); } finally { await endWait(); }
   *   return next();
   * }
   * private async freeSlot() {} }
   * ```
   */
  startWait(limiter: string): () => Promise<void>;
  /**
   * Emits an event of the call, with its ids and context, and waits for its handlers: one of the package if it is meant
   * for interceptors (`llm.cache`, `limiter.wait`, with its fields), otherwise a custom event (with its data). Rejects with the error of
   * a critical handler. Does nothing once the call has ended.
   */
  emit<N extends string>(name: N, fields?: EmittedFields<N>): Promise<void>;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const InterceptedModelCall: object = Object;

/** Where and how `next` sends the request. */
export interface LlmNextOptions {
  /** Another client: `'default'`, or the name of a feature. Its model is used, unless the request names another. */
  client?: string;
  /** How often the provider's SDK may retry this request; use 0 in an interceptor that retries itself. */
  maxRetries?: number;
  /** Stops only this request, while `call.signal` stops the whole call. */
  signal?: AbortSignal;
}

/**
 * Continues a billable call of any kind with its own request: with the inner interceptors, then the provider.
 *
 * @returns an `LlmStream` when `call.streaming` (check with `instanceof LlmStream`), else a promise
 */
export type ModelNext = (
  request?: undefined,
  options?: LlmNextOptions,
) => Promise<ModelResponse> | LlmStream;
/** A value of that name, because compilers import the types in decorated signatures. */
export const ModelNext: object = Function;

/**
 * Wraps each billable call with the method, whatever its kind: for interceptors that count, limit, retry or stop
 * requests and do not look into them. What it may return is what an interceptor of the call's kind may return.
 *
 * @example
 * ```ts
 * class Slots { @InterceptModel() async wait(call: InterceptedModelCall, next: ModelNext) {
 *   await call.pause(this.freeSlot(call.client));
 *   return next();
 * }
 * private async freeSlot(client: string) {} }
 * ```
 */
export const InterceptModel: Interceptor<InterceptedModelCall, ModelNext> = interceptor(
  'InterceptModel',
  ...BILLABLE_KINDS,
);

/** A call as an interceptor receives it: after the changes of the outer interceptors. */
export interface InterceptedLlmCall extends InterceptedModelCall {
  readonly kind: 'llm';
  /** The request that would be sent; pass a modified copy to `next`. */
  readonly request: LlmRequest;
  /** The start event, with the original request and the context: user, tenant, tags … */
  readonly event: LlmStartEvent;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const InterceptedLlmCall: object = Object;

/**
 * Continues with the inner interceptors, then the provider. Without a request, `call.request` is sent. May be called
 * several times; each failed request that is followed by another emits `llm.retry`. Requests still in progress when the
 * call is answered are stopped.
 *
 * @returns an `LlmStream` when `call.streaming` (check with `instanceof LlmStream`), else a promise
 */
export type LlmNext = (
  request?: LlmRequest,
  options?: LlmNextOptions,
) => Promise<LlmResponse> | LlmStream;
/** A value of that name, because compilers import the types in decorated signatures. */
export const LlmNext: object = Function;

/**
 * Wraps each LLM call with the method. It may modify the request, short-circuit the call by not calling `next`, call
 * `next` again, or throw, which fails the call with that very error.
 *
 * It returns an `LlmResponse`, or for a streamed call also an `LlmStream` or an async iterable of chunks, whose last
 * item may be the `LlmResponse`; otherwise the answer is assembled from the chunks and the other fields of `next`'s
 * response. A response that answers a streamed call is replayed as chunks. `usage` and `cost` of the call are always
 * those of the requests that were actually sent.
 *
 * @example
 * ```ts
 * class SmallTalk { @InterceptLlm({ when: ({ request }) => request.messages.length === 1 }) cheaper({ request }: InterceptedLlmCall, next: LlmNext) {
 *   return next({ ...request, model: 'gpt-5-nano' });
 * } }
 * ```
 */
export const InterceptLlm: Interceptor<InterceptedLlmCall, LlmNext> = interceptor(
  'InterceptLlm',
  'llm',
);

/** A request for embeddings as an interceptor receives it: after the changes of the outer interceptors. */
export interface InterceptedEmbeddingCall extends InterceptedModelCall {
  readonly kind: 'embedding';
  /** The request that would be sent; pass a modified copy to `next`. A call with very many texts sends several. */
  readonly request: EmbedRequest;
  /** The start event, with all texts of the call and the context: user, tenant, tags … */
  readonly event: EmbeddingStartEvent;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const InterceptedEmbeddingCall: object = Object;

/**
 * Continues with the inner interceptors, then the provider. Without a request, `call.request` is sent. May be called
 * several times. Requests still in progress when the call is answered are stopped.
 */
export type EmbeddingNext = (
  request?: EmbedRequest,
  options?: LlmNextOptions,
) => Promise<EmbedResponse>;
/** A value of that name, because compilers import the types in decorated signatures. */
export const EmbeddingNext: object = Function;

/**
 * Wraps each request for embeddings with the method. It may modify the request, short-circuit it by not calling `next`,
 * call `next` again, or throw, which fails the call with that very error. It returns an `EmbedResponse`, or an object
 * with `embeddings`: a vector for each text of `call.request`.
 *
 * @example
 * ```ts
 * class Trim { @InterceptEmbedding() shorten({ request }: InterceptedEmbeddingCall, next: EmbeddingNext) {
 *   return next({ ...request, input: request.input.map((text) => text.slice(0, 8_000)) });
 * } }
 * ```
 */
export const InterceptEmbedding: Interceptor<InterceptedEmbeddingCall, EmbeddingNext> = interceptor(
  'InterceptEmbedding',
  'embedding',
);
