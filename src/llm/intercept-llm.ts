import { interceptor, type Interceptor } from '../handlers/interceptor.js';
import type { LlmStartEvent } from '../events/llm.events.js';
import type { LlmRequest, LlmResponse } from '../types/llm.js';
import type { InterceptedModelCall, LlmNextOptions } from './intercept-model.js';
import type { LlmStream } from './llm-stream.js';

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
