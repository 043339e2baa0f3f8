import type { Message, ToolCall, ToolChoice, ToolSpec } from './message.js';
import type { Usage } from './usage.js';

/** A piece of a streamed answer. */
export type LlmChunk =
  | { type: 'text' | 'reasoning'; text: string }
  /** Part of a tool call: joined, the `argsDelta`s of one `index` are what the model sent. */
  | { type: 'tool-call'; index: number; id?: string; name?: string; argsDelta: string };
/** A value of that name, because compilers import the types in decorated signatures. */
export const LlmChunk: object = Object;

/**
 * Why an answer ended. `'paused'`: the provider stopped a long turn, which continues when its message is sent back;
 * `'cancelled'`: the consumer of a stream stopped reading.
 */
export type FinishReason =
  'stop' | 'length' | 'tool-calls' | 'content-filter' | 'paused' | 'cancelled' | 'other';

/** One request to a provider, within one logical call. */
export interface Attempt {
  /** The label of the client that was called, or its provider's name. */
  provider: string;
  /** The model that was called. */
  model: string;
  /** Why it failed; absent on a successful attempt. */
  error?: Error;
  /** Tokens of this request; absent if not known. */
  usage?: Usage;
  /** US dollars; `null` when the price is not known. */
  cost?: number | null;
  /** Milliseconds, monotonic. */
  durationMs: number;
}

/** The server that a call is sent to; never with credentials, and without a path. */
export interface ServerAddress {
  /** The host: a name or an IP address. */
  readonly address: string;
  /** The port of TCP. */
  readonly port: number;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const ServerAddress: object = Object;

/**
 * The gaps between the chunks of a streamed answer, by the times at which they were read: chunks that arrive together
 * have none between them, and a slow consumer makes them longer.
 */
export interface ChunkGaps {
  /** The number of gaps: one less than there are chunks. */
  count: number;
  /** Milliseconds. */
  avg: number;
  /** Milliseconds. */
  max: number;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const ChunkGaps: object = Object;

/** A request of any billable kind. */
export interface ModelRequest {
  /** The model's name, as the provider knows it. */
  readonly model: string;
  /** Passed to the SDK unchanged, over everything else. */
  readonly providerOptions?: Readonly<Record<string, unknown>>;
}

/** The answer to a billable call of any kind. */
export interface ModelResponse {
  /** The client's label or its provider's name. */
  readonly provider: string;
  /** The model that answered. */
  readonly model: string;
  /** Sum over all attempts. */
  readonly usage: Usage;
  /** US dollars, sum over all attempts; `null` when the price is not known, never 0 for unknown. */
  readonly cost: number | null;
  /** Milliseconds, monotonic, without start handlers. */
  readonly durationMs: number;
  /** Each request of the call, failed ones included, in order. */
  readonly attempts: readonly Attempt[];
  /** Milliseconds for which limiters made the call wait, not part of `durationMs`; absent if none did. */
  readonly limiterWaitMs?: number;
  /** Set when an interceptor answered from a cache: no request was sent, and `cost` is 0. */
  readonly cached?: boolean;
}

/** The request that a provider receives. */
export interface LlmRequest {
  /** The model's name, as the provider knows it. */
  model: string;
  /** The conversation, oldest message first; at least one message with content. */
  messages: Message[];
  /** The instruction that precedes the conversation. */
  system?: string;
  /** Tools that the model may call. */
  tools?: ToolSpec[];
  /** Whether the model may or must call a tool. Default: the provider's, `'auto'`. */
  toolChoice?: ToolChoice;
  /** The randomness of the answer; the range depends on the provider. Default: the provider's. */
  temperature?: number;
  /** The most tokens that the answer may have, reasoning included. Limiters reserve this amount. */
  maxOutputTokens?: number;
  /** Texts that end the answer when the model writes them; they are not part of it. */
  stop?: string[];
  /** JSON Schema of the answer, draft 2020-12; a provider without a mode for it may ignore it. */
  schema?: Readonly<Record<string, unknown>>;
  /** Passed to the SDK unchanged, over everything else. */
  providerOptions?: Record<string, unknown>;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const LlmRequest: object = Object;

/** The answer to a call; `T` is the output of its `schema`. */
export interface LlmResponse<T = unknown> {
  /** The provider's id of the answer. */
  id: string;
  /** The client's label or its provider's name. */
  provider: string;
  /** The model that answered. */
  model: string;
  /** All text of the answer, without reasoning; `''` if there is none. */
  text: string;
  /** The answer as a message, ready to be sent back in the next turn. */
  message: Message;
  /** The tools that the model requests, with their arguments; not executed. `[]` if there are none. */
  toolCalls: ToolCall[];
  /** Why the answer ended. */
  finishReason: FinishReason;
  /** Sum over all attempts. */
  usage: Usage;
  /** US dollars, sum over all attempts; `null` when the price is not known, never 0 for unknown. */
  cost: number | null;
  /** Milliseconds, monotonic, without start handlers. */
  durationMs: number;
  /** Streams only: milliseconds to the first chunk. */
  timeToFirstChunkMs?: number;
  /** Streams of two chunks or more: the gaps between them, in milliseconds. */
  chunkGapsMs?: ChunkGaps;
  /**
   * Output tokens a second: over `durationMs`, for streams from the first chunk to the end. Absent for a cached answer
   * and where there are no tokens or no time.
   */
  tokensPerSecond?: number;
  /** Milliseconds for which limiters made the call wait, not part of `durationMs`; absent if none did. */
  limiterWaitMs?: number;
  /** Each request of the call, failed ones included, in order. */
  attempts: Attempt[];
  /** Set when an interceptor answered from a cache: no request was sent, and `cost` is 0. */
  cached?: boolean;
  /**
   * The output of the call's `schema`. Absent without a schema, on an answer that calls tools, and if the consumer
   * cancelled the stream.
   */
  object?: T;
  /** The SDK's own answer; absent for streams. */
  raw?: unknown;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const LlmResponse: object = Object;

/** The answer to a call with a schema of type `T`: `object` is present, unless `tools` were offered and called. */
export type StructuredResponse<T> = LlmResponse<T> &
  (unknown extends T ? unknown : { readonly object: T });

/** A provider's answer; the service adds provider, cost, durations and attempts. */
export type ProviderResult = Omit<
  LlmResponse,
  | 'provider'
  | 'cost'
  | 'durationMs'
  | 'timeToFirstChunkMs'
  | 'chunkGapsMs'
  | 'tokensPerSecond'
  | 'limiterWaitMs'
  | 'attempts'
  | 'object'
>;

/** The most that a request can use, before it is sent; a repair by the schema is another request. */
export interface LlmEstimate {
  /** An upper bound by the length of the request in UTF-8 bytes; images count as 1,500 tokens each. */
  inputTokens: number;
  /** US dollars, for that input and `maxOutputTokens`; `null` if no limit is set or no price is known. */
  maxCost: number | null;
}

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
  /** Milliseconds for which limiters made the call wait, not part of `durationMs`; absent if none did. */
  limiterWaitMs?: number;
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
