/** Token counts of a {@link ScriptedAnswer}. */
export interface ScriptedUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** A tool call of a {@link ScriptedAnswer}. */
export interface ScriptedToolCall {
  readonly id: string;
  readonly name: string;
  /** The text of the arguments, in the pieces in which a stream sends it. Whole answers have valid JSON. */
  readonly args: readonly string[];
}

/** An answer of the model. Reasoning comes first, then text, then tool calls. */
export interface ScriptedAnswer {
  readonly type: 'answer';
  /** Whether the provider was called by `stream`. */
  readonly streamed: boolean;
  readonly model: string;
  /** Reasoning, in the pieces in which a stream sends it; `[]` unless the provider has the capability. */
  readonly reasoning: readonly string[];
  /** Text, in the pieces in which a stream sends it. */
  readonly text: readonly string[];
  readonly toolCalls: readonly ScriptedToolCall[];
  readonly finishReason: 'stop' | 'length' | 'tool-calls' | 'content-filter';
  /** `undefined`: the server reports no usage. */
  readonly usage: ScriptedUsage | undefined;
  /**
   * What follows the last piece of a stream: its `'end'`; nothing, while the connection stays open (`'stall'`); the loss
   * of the connection (`'lost'`); or an error. Whole answers have an `'end'`.
   */
  readonly ending: 'end' | 'stall' | 'lost' | ScriptedError;
  /** How the bytes of a stream are sent: each frame on its own, all at once, or byte by byte. */
  readonly packets: 'frames' | 'one' | 'bytes';
}

/** The embeddings of texts. */
export interface ScriptedEmbeddings {
  readonly type: 'embeddings';
  readonly model: string;
  /** A vector for each text of the request, in the order of the texts; its numbers are exact as 32-bit floats. */
  readonly embeddings: readonly (readonly number[])[];
  /** `undefined`: the server reports no usage. */
  readonly usage: Pick<ScriptedUsage, 'inputTokens'> | undefined;
}

/** The failures that servers distinguish: codes of `LlmError`. */
export type ScriptedErrorCode =
  | 'authentication'
  | 'permission'
  | 'rate_limit'
  | 'billing'
  | 'context_length'
  | 'content_filter'
  | 'invalid_request'
  | 'model_not_found'
  | 'overloaded'
  | 'server_error'
  | 'timeout';

/** An answer that is an error. */
export interface ScriptedError {
  readonly type: 'error';
  readonly code: ScriptedErrorCode;
  /** The HTTP status; servers of other protocols ignore it. */
  readonly status: number;
  readonly message: string;
  /** How long the server asks to wait before the next request. */
  readonly retryAfterMs?: number;
}

/**
 * No answer: nothing is sent (`'silence'`), the connection is lost before anything is sent (`'lost'`), or the answer is
 * not in the server's format (`'malformed'`), such as the HTML page of a proxy.
 */
export interface ScriptedFault {
  readonly type: 'silence' | 'lost' | 'malformed';
  readonly streamed: boolean;
}

/** What a {@link ProviderServer} sends, or fails to send. */
export type ScriptedReply = ScriptedAnswer | ScriptedEmbeddings | ScriptedError | ScriptedFault;

/** A request that a {@link ProviderServer} has received. */
export interface ReceivedRequest {
  /** The body as text. */
  readonly body: string;
  /** Resolves when the client has left before the answer was complete. */
  readonly aborted: Promise<void>;
}

/**
 * The server of a provider under test: it answers in the provider's own format what `describeProvider()` scripts in the
 * terms of this library. `serveProvider()` makes one for protocols over HTTP.
 */
export interface ProviderServer {
  /** The address to which the provider sends its requests. */
  readonly url: string;
  /** The requests so far. */
  readonly requests: readonly ReceivedRequest[];
  /** Sets the reply to the next request; after several calls, to the next requests in this order. */
  reply(reply: ScriptedReply): void;
  /** Cuts all connections. */
  close(): Promise<void>;
}
