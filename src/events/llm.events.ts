import type {
  Attempt,
  ChunkGaps,
  FinishReason,
  LlmChunk,
  LlmEstimate,
  LlmRequest,
  LlmResponse,
  ServerAddress,
} from '../types/llm.js';
import type { Message, ToolCall, ToolSpec } from '../types/message.js';
import type { Usage } from '../types/usage.js';
import { brand } from '../util/brand.js';
import { RunEvent, type RunInfo, TerminalEvent } from './event.js';

/** The server of a call, and whether its SDK makes spans; read on access. */
export interface CalledServer {
  readonly address?: ServerAddress | undefined;
  readonly isTracedBySdk?: boolean;
}

/** Of a call whose server is not known. */
export const unknownServer = (): undefined => undefined;

/** The client that was called last and the model that it was asked for, if interceptors changed the request. */
interface SentModel {
  readonly request: { readonly model: string };
  readonly client: { readonly label: string };
}

/** The end or the error of a billable call of any kind. */
export abstract class ModelTerminalEvent<S extends SentModel = SentModel> extends TerminalEvent {
  static {
    brand(this, 'class:ModelTerminalEvent');
  }

  readonly #sent: S | undefined;
  /** Tokens of all attempts. */
  abstract readonly usage: Usage;
  /** US dollars; `null` if a price is unknown. */
  abstract readonly cost: number | null;
  /** Milliseconds, without the start handlers. */
  abstract readonly durationMs: number;
  abstract readonly attempts: readonly Attempt[];
  /** Milliseconds for which limiters made the call wait, not part of `durationMs`; absent if none did. */
  abstract readonly limiterWaitMs: number | undefined;

  constructor(run: RunInfo, sent: S | undefined) {
    super(run);
    this.#sent = sent;
  }

  /** The request that was actually sent, and its client, if interceptors changed them. */
  protected sent(): S | undefined {
    return this.#sent;
  }

  /** The name or label of the provider that was called last. */
  override get provider(): string | undefined {
    return this.#sent?.client.label ?? super.provider;
  }
  /** The model that was called last. */
  override get model(): string | undefined {
    return this.#sent?.request.model ?? super.model;
  }
}

/** The parameters of a call besides its messages and tools. */
export type LlmParameters = Omit<LlmRequest, 'model' | 'messages' | 'tools'>;

/** An LLM call is about to be sent. Handled by `@OnLlmStart()`. */
export class LlmStartEvent extends RunEvent {
  static {
    brand(this, 'class:LlmStartEvent');
  }

  readonly type = 'llm.start';
  readonly #request: LlmRequest;
  readonly #estimate: () => LlmEstimate;
  readonly #server: () => CalledServer | undefined;
  /** Whether the call streams its answer. */
  readonly streaming: boolean;

  constructor(
    run: RunInfo,
    call: {
      request: LlmRequest;
      streaming: boolean;
      estimate: () => LlmEstimate;
      server?: () => CalledServer | undefined;
    },
  ) {
    super(run);
    this.#request = call.request;
    this.#estimate = call.estimate;
    this.#server = call.server ?? unknownServer;
    this.streaming = call.streaming;
  }

  /** The text of the last user message, or `''`. */
  get prompt(): string {
    const last = this.#request.messages.findLast((message) => message.role === 'user');
    if (last === undefined) return '';
    if (typeof last.content === 'string') return last.content;
    return last.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
  }
  get messages(): readonly Message[] {
    return this.#request.messages;
  }
  /** The tools offered to the model. */
  get tools(): readonly ToolSpec[] {
    return this.#request.tools ?? [];
  }
  get parameters(): LlmParameters {
    const { model: _model, messages: _messages, tools: _tools, ...parameters } = this.#request;
    return parameters;
  }
  /** The upper bound of the call's usage; computed on access. */
  get estimate(): LlmEstimate {
    return this.#estimate();
  }
  /** The server that is about to be called, if it is known; never with credentials, and without a path. */
  get server(): ServerAddress | undefined {
    return this.#server()?.address;
  }
  /**
   * Whether the SDK that is called makes an OpenTelemetry span of its own for the call, unless a
   * {@link SpanOwner} replaces it.
   */
  get tracedBySdk(): true | undefined {
    return this.#server()?.isTracedBySdk || undefined;
  }

  protected fields(): readonly string[] {
    return [
      'prompt',
      'messages',
      'tools',
      'parameters',
      'streaming',
      'estimate',
      'server',
      'tracedBySdk',
    ];
  }
}

/** A chunk of a streamed answer, emitted before its consumer receives it. Handled by `@OnLlmStreamChunk()`. */
export class LlmStreamChunkEvent extends RunEvent {
  static {
    brand(this, 'class:LlmStreamChunkEvent');
  }

  readonly type = 'llm.chunk';

  constructor(
    run: RunInfo,
    readonly chunk: LlmChunk,
    /** The chunk's number in its stream, from 0. */
    readonly index: number,
    timestamp?: number,
  ) {
    super(run, timestamp);
  }

  protected fields(): readonly string[] {
    return ['chunk', 'index'];
  }
}

/** The SDK or the provider retries. Handled by `@OnLlmRetry()`. */
export class LlmRetryEvent extends RunEvent {
  static {
    brand(this, 'class:LlmRetryEvent');
  }

  readonly type = 'llm.retry';
  /** 1 for the first retry. */
  readonly attempt: number;
  /** The error of the previous attempt. */
  readonly error: Error;
  /** The delay before this attempt, in milliseconds. */
  readonly delayMs: number;

  constructor(run: RunInfo, retry: { attempt: number; error: Error; delayMs: number }) {
    super(run);
    this.attempt = retry.attempt;
    this.error = retry.error;
    this.delayMs = retry.delayMs;
  }

  protected fields(): readonly string[] {
    return ['attempt', 'error', 'delayMs'];
  }
}

/** A `CacheInterceptor` answered a call without a request. Handled by `@OnLlmCache()`. */
export class LlmCacheEvent extends RunEvent {
  static {
    brand(this, 'class:LlmCacheEvent');
  }

  readonly type = 'llm.cache';
  /** The SHA-256 of the request, its client and its partition: 64 hex digits. */
  readonly key: string;
  /** The age of the cached answer in milliseconds. */
  readonly ageMs: number;
  /** What the answer cost when it was new, in US dollars; `null` if the price was unknown. */
  readonly savedCost: number | null;
  /** The usage of the answer when it was new. */
  readonly savedUsage: Usage;

  constructor(
    run: RunInfo,
    hit: { key: string; ageMs: number; savedCost: number | null; savedUsage: Usage },
  ) {
    super(run);
    this.key = hit.key;
    this.ageMs = hit.ageMs;
    this.savedCost = hit.savedCost;
    this.savedUsage = hit.savedUsage;
  }

  protected fields(): readonly string[] {
    return ['key', 'ageMs', 'savedCost', 'savedUsage'];
  }
}

/** The request that was actually sent, if interceptors modified it, and its client. */
export interface SentRequest {
  readonly request: LlmRequest;
  readonly client: { readonly label: string };
}

/** The end or the error of an LLM call, with the request that was actually sent. */
export abstract class LlmTerminalEvent extends ModelTerminalEvent<SentRequest> {
  static {
    brand(this, 'class:LlmTerminalEvent');
  }

  /** The request as modified by interceptors; absent if it equals the one of `llm.start`. */
  get request(): LlmRequest | undefined {
    return this.sent()?.request;
  }
}

/** An LLM call completed, or its consumer stopped reading (`finishReason: 'cancelled'`). Handled by `@OnLlmEnd()`. */
export class LlmEndEvent extends LlmTerminalEvent {
  static {
    brand(this, 'class:LlmEndEvent');
  }

  readonly type = 'llm.end';
  readonly #contextShare: (() => number | undefined) | undefined;

  constructor(
    run: RunInfo,
    readonly response: LlmResponse,
    sent?: SentRequest,
    contextShare?: () => number | undefined,
  ) {
    super(run, sent);
    this.#contextShare = contextShare;
  }

  get text(): string {
    return this.response.text;
  }
  get toolCalls(): readonly ToolCall[] {
    return this.response.toolCalls;
  }
  get finishReason(): FinishReason {
    return this.response.finishReason;
  }
  get usage(): Usage {
    return this.response.usage;
  }
  /** `usage.totalTokens`. */
  get tokenCount(): number {
    return this.response.usage.totalTokens;
  }
  /** US dollars; `null` if the price is unknown. */
  get cost(): number | null {
    return this.response.cost;
  }
  /** `true` for an answer that a `CacheInterceptor` returned without a request. */
  get cached(): boolean | undefined {
    return this.response.cached;
  }
  /** Milliseconds, without the start handlers. */
  get durationMs(): number {
    return this.response.durationMs;
  }
  /** Streams only: milliseconds to the first chunk. */
  get timeToFirstChunkMs(): number | undefined {
    return this.response.timeToFirstChunkMs;
  }
  /** Streams of two chunks or more: the gaps between them, in milliseconds. */
  get chunkGapsMs(): ChunkGaps | undefined {
    return this.response.chunkGapsMs;
  }
  /** Output tokens a second: over `durationMs`, for streams from the first chunk to the end. */
  get tokensPerSecond(): number | undefined {
    return this.response.tokensPerSecond;
  }
  /** Milliseconds for which limiters made the call wait, not part of `durationMs`; absent if none did. */
  get limiterWaitMs(): number | undefined {
    return this.response.limiterWaitMs;
  }
  /**
   * The share of the model's context window that the answered request fills with its input and output, from 0 to 1.
   * Computed on access; absent if the window is not known (`prices`, then the price list) and for cached answers.
   *
   * @example
   * ```ts
   * class Watch { @OnLlmEnd() full({ contextShare = 0, conversationId }: LlmEndEvent) {
   *   if (contextShare > 0.8) this.summarizeSoon(conversationId);
   * } }
   * ```
   */
  get contextShare(): number | undefined {
    return this.#contextShare?.();
  }
  get attempts(): readonly Attempt[] {
    return this.response.attempts;
  }

  protected fields(): readonly string[] {
    return [
      'response',
      'text',
      'toolCalls',
      'finishReason',
      'usage',
      'tokenCount',
      'cost',
      'cached',
      'durationMs',
      'timeToFirstChunkMs',
      'chunkGapsMs',
      'tokensPerSecond',
      'limiterWaitMs',
      'contextShare',
      'attempts',
      'request',
    ];
  }
}

/** The state of a call when it failed. */
export interface LlmFailure {
  readonly error: Error;
  readonly text: string;
  readonly usage: Usage;
  readonly cost: number | null;
  readonly aborted: boolean;
  readonly durationMs: number;
  readonly attempts: readonly Attempt[];
  readonly timeToFirstChunkMs?: number | undefined;
  readonly chunkGapsMs?: ChunkGaps | undefined;
  readonly limiterWaitMs?: number | undefined;
}

/** An LLM call failed or was aborted. Handled by `@OnLlmError()`. */
export class LlmErrorEvent extends LlmTerminalEvent implements LlmFailure {
  static {
    brand(this, 'class:LlmErrorEvent');
  }

  readonly type = 'llm.error';
  /** The error that the caller receives. */
  readonly error: Error;
  /** The text that had arrived by then. */
  readonly text: string;
  /** Tokens used by then. */
  readonly usage: Usage;
  /** US dollars spent by then; `null` if the price is unknown. */
  readonly cost: number | null;
  /** Whether the run was aborted rather than failed. */
  readonly aborted: boolean;
  /** Milliseconds, without the start handlers. */
  readonly durationMs: number;
  readonly attempts: readonly Attempt[];
  /** Streams that failed after their first chunk: milliseconds to it. */
  readonly timeToFirstChunkMs: number | undefined;
  /** Streams that failed after their second chunk: the gaps between the chunks, in milliseconds. */
  readonly chunkGapsMs: ChunkGaps | undefined;
  /** Milliseconds for which limiters made the call wait, not part of `durationMs`; absent if none did. */
  readonly limiterWaitMs: number | undefined;

  constructor(run: RunInfo, failure: LlmFailure, sent?: SentRequest) {
    super(run, sent);
    this.error = failure.error;
    this.text = failure.text;
    this.usage = failure.usage;
    this.cost = failure.cost;
    this.aborted = failure.aborted;
    this.durationMs = failure.durationMs;
    this.attempts = failure.attempts;
    this.timeToFirstChunkMs = failure.timeToFirstChunkMs;
    this.chunkGapsMs = failure.chunkGapsMs;
    this.limiterWaitMs = failure.limiterWaitMs;
  }

  protected fields(): readonly string[] {
    return [
      'error',
      'text',
      'usage',
      'cost',
      'aborted',
      'durationMs',
      'timeToFirstChunkMs',
      'chunkGapsMs',
      'limiterWaitMs',
      'attempts',
      'request',
    ];
  }
}
