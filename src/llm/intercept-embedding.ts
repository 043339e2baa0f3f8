import type { EmbeddingStartEvent } from '../events/embedding.events.js';
import { interceptor, type Interceptor } from '../handlers/interceptor.js';
import type { EmbedRequest, EmbedResponse } from '../types/embedding.js';
import type { InterceptedModelCall, LlmNextOptions } from './intercept-model.js';

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
