import type { Message, ToolCall, ToolChoice, ToolSpec } from './message.js';
import type { Usage } from './usage.js';

/** A piece of a streamed answer. */
export type LlmChunk =
  | { type: 'text' | 'reasoning'; text: string }
  /** Part of a tool call: the `argsDelta`s of one `index` join to what the model sent. */
  | { type: 'tool-call'; index: number; id?: string; name?: string; argsDelta: string };
/** A value of that name, because compilers import the types in decorated signatures. */
export const LlmChunk: object = Object;

/**
 * Why an answer ended. `'paused'`: the provider stopped a long turn, which goes on when its message is sent back;
 * `'cancelled'`: the reader of a stream stopped reading.
 */
export type FinishReason =
  'stop' | 'length' | 'tool-calls' | 'content-filter' | 'paused' | 'cancelled' | 'other';

/** One request to a provider, within one logical call. */
export interface Attempt {
  /** The label of the client that was asked, or its provider's name. */
  provider: string;
  /** The model that was asked. */
  model: string;
  /** Why it failed; absent on the one that answered. */
  error?: Error;
  /** Tokens of this request; absent where they are not known. */
  usage?: Usage;
  /** US dollars; `null` when the price is not known. */
  cost?: number | null;
  /** Milliseconds, monotonic. */
  durationMs: number;
}

/** What a provider is asked for. */
export interface LlmRequest {
  /** The model's name, as the provider knows it. */
  model: string;
  /** The conversation, oldest message first; at least one message with content. */
  messages: Message[];
  /** The instruction that stands before the conversation. */
  system?: string;
  /** Tools that the model may call. */
  tools?: ToolSpec[];
  /** Whether it may or must call one; absent: the provider's default, `'auto'`. */
  toolChoice?: ToolChoice;
  /** How random the answer is; its range is the provider's. Absent: the provider's default. */
  temperature?: number;
  /** The most tokens that the answer may have, reasoning included. Limiters reserve what it allows. */
  maxOutputTokens?: number;
  /** Texts that end the answer when the model writes them; they are not part of it. */
  stop?: string[];
  /** JSON Schema of the answer, draft 2020-12; a provider that has no mode for it may ignore it. */
  schema?: Readonly<Record<string, unknown>>;
  /** Passed to the SDK as they are, over everything else. */
  providerOptions?: Record<string, unknown>;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const LlmRequest: object = Object;

/** The answer to a call; `T` is what its `schema` makes of it. */
export interface LlmResponse<T = unknown> {
  /** The provider's id of the answer. */
  id: string;
  /** The client's label or its provider's name. */
  provider: string;
  /** The model that answered. */
  model: string;
  /** All text of the answer, without reasoning; `''` where there is none. */
  text: string;
  /** The answer as a message, ready to be sent back in the next turn. */
  message: Message;
  /** The tools that the model asks for, with their arguments; not executed. `[]` where there are none. */
  toolCalls: ToolCall[];
  /** Why the answer ended. */
  finishReason: FinishReason;
  /** Sum over all attempts. */
  usage: Usage;
  /** US dollars, sum over all attempts; `null` when the price is not known, never 0 for unknown. */
  cost: number | null;
  /** Milliseconds, monotonic, without the start hooks. */
  durationMs: number;
  /** Streams only: milliseconds to the first chunk. */
  timeToFirstChunkMs?: number;
  /** Each request that was made for the call, failed ones included, in their order. */
  attempts: Attempt[];
  /** Set when an interceptor answered from a cache: nothing was asked, and `cost` is 0. */
  cached?: boolean;
  /**
   * What the call's `schema` made of the answer. Absent without a schema, on an answer that calls tools, and where the
   * reader of a stream stopped reading.
   */
  object?: T;
  /** The SDK's own answer; absent for streams. */
  raw?: unknown;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const LlmResponse: object = Object;

/** The answer to a call with a schema of type `T`: `object` is there, unless `tools` were offered and called. */
export type StructuredResponse<T> = LlmResponse<T> &
  (unknown extends T ? unknown : { readonly object: T });

/** What a provider answers: the service adds provider, cost, durations and attempts. */
export type ProviderResult = Omit<
  LlmResponse,
  'provider' | 'cost' | 'durationMs' | 'timeToFirstChunkMs' | 'attempts' | 'object'
>;

/** What a request can use at most, before it is made; to have an answer mended by its schema is another request. */
export interface LlmEstimate {
  /** An upper bound by the length of the request in UTF-8 bytes; pictures count as 1,500 tokens each. */
  inputTokens: number;
  /** US dollars, for that input and `maxOutputTokens`; `null` where no limit is set or no price is known. */
  maxCost: number | null;
}
