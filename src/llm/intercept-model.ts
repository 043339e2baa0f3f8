import {
  type BillableKind,
  BILLABLE_KINDS,
  type EmittedFields,
  type ModelStartEvent,
} from '../events/event-map.js';
import { interceptor, type Interceptor } from '../handlers/interceptor.js';
import type { LlmEstimate, ModelRequest, ModelResponse } from '../types/llm.js';
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
   * Emits an event of the call, with its ids and context, and waits for its handlers: one of the package if it is meant
   * for interceptors (`llm.cache`, with its fields), otherwise a custom event (with its data). Rejects with the error of
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
