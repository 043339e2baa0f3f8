import { interceptor, type Interceptor } from '../handlers/interceptor.js';
import type { LlmStartEvent } from '../events/llm.events.js';
import type { LlmEstimate, LlmRequest, LlmResponse } from '../types/llm.js';
import type { Usage } from '../types/usage.js';
import type { LlmStream } from './llm-stream.js';

/** What requests have used. */
export interface LlmSpent {
  /** Requests that went to a provider, each try of an SDK's own retries not counted. */
  readonly requests: number;
  /** Tokens, estimated where a request was cut short. */
  readonly usage: Usage;
  /** US dollars; `null` when one of the prices is not known. */
  readonly cost: number | null;
}

/** A call as an interceptor sees it: as the interceptors around have left it. */
export interface InterceptedLlmCall {
  readonly kind: 'llm';
  /** What would be sent: pass a changed copy to `next`. */
  readonly request: LlmRequest;
  /** The start event, with the original request and the context: user, tenant, tags … */
  readonly event: LlmStartEvent;
  /** Fires when the call is aborted, also when its reader stops reading: stop waiting then. */
  readonly signal: AbortSignal;
  /** Whether `next` gives an `LlmStream`. */
  readonly streaming: boolean;
  /** The client that would be asked; `'default'` for that of `forRoot`. */
  readonly client: string;
  /** That client's label, or its provider's name, under which prices are looked up. */
  readonly provider: string;
  /** What the request can use at most; computed when it is read. */
  readonly estimate: LlmEstimate;
  /** What the requests that this interceptor's `next` has led to have used until now. */
  readonly spent: LlmSpent;
  /** US dollars that so many tokens of the request's model cost; `null` when the price is not known. */
  priceOf(tokens: { inputTokens: number; outputTokens: number }): number | null;
  /** Waits for something that is not to count in `durationMs`: a turn in a queue, say. Fails when the call is aborted. */
  pause<T>(wait: PromiseLike<T>): Promise<T>;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const InterceptedLlmCall: object = Object;

/** Where and how `next` asks. */
export interface LlmNextOptions {
  /** Another client: `'default'`, or the name of a feature. Its model is asked, unless the request names another. */
  client?: string;
  /** How often the provider's SDK may try this request again by itself: 0 for an interceptor that tries again. */
  maxRetries?: number;
  /** Stops this one request, where `call.signal` is that of the whole call. */
  signal?: AbortSignal;
}

/**
 * Goes on: to the interceptors further inside, then to the provider. Without a request, `call.request` is sent. May be
 * called several times; each request that fails before another is made is told as `llm.retry`. What is still under way
 * when the call is answered is stopped.
 *
 * @returns an `LlmStream` when `call.streaming` (tell them apart by `instanceof LlmStream`), else a promise
 */
export type LlmNext = (
  request?: LlmRequest,
  options?: LlmNextOptions,
) => Promise<LlmResponse> | LlmStream;
/** A value of that name, because compilers import the types in decorated signatures. */
export const LlmNext: object = Function;

/**
 * The method is called around each LLM call, and decides what flows: it may change the request, answer without `next`,
 * call it again, or throw, which fails the call with that very error.
 *
 * It returns an `LlmResponse`, or for a streamed call also an `LlmStream` or an async iterable of chunks, whose last item
 * may be the `LlmResponse`; else the answer is what they add up to, with what else `next` said. A response that answers a
 * streamed call is replayed as chunks. `usage` and `cost` of the call are those of the requests that were really made,
 * whatever is returned.
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
