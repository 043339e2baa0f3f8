import type { Attempt, ModelResponse } from './llm.js';
import type { Usage } from './usage.js';

/** The request for embeddings that a provider receives. */
export interface EmbedRequest {
  /** The model's name, as the provider knows it. */
  model: string;
  /** The texts to embed, at least one; none is empty. */
  input: string[];
  /** How many numbers each vector has, for models that can shorten them. Default: the model's. */
  dimensions?: number;
  /** Passed to the SDK unchanged, over everything else. */
  providerOptions?: Record<string, unknown>;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const EmbedRequest: object = Object;

/** The embeddings of one or more texts. */
export interface EmbedResponse extends ModelResponse {
  /** A vector for each text, in the order of the texts; all have the same length. */
  embeddings: number[][];
  /** The model that answered. */
  model: string;
  /** The client's label or its provider's name. */
  provider: string;
  /** The length of the vectors; 0 without texts. */
  dimensions: number;
  /** Sum over all attempts; embeddings have no output tokens. */
  usage: Usage;
  /** US dollars, sum over all attempts; `null` when the price is not known, never 0 for unknown. */
  cost: number | null;
  /** Milliseconds, monotonic, without start handlers. */
  durationMs: number;
  /** Each request of the call, failed ones included, in order. */
  attempts: Attempt[];
  /** Set when an interceptor answered from a cache: no request was sent, and `cost` is 0. */
  cached?: boolean;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const EmbedResponse: object = Object;

/**
 * A provider's embeddings, a vector for each text of the request and in its order. `usage` is {@link UNREPORTED_USAGE}
 * if the server sent none.
 */
export type EmbedResult = Pick<EmbedResponse, 'embeddings' | 'model' | 'usage'>;
