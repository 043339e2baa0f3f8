import { brand } from '../util/brand.js';
import type { LlmChunk, LlmEstimate, LlmRequest } from '../types/llm.js';
import type { Message, ToolSpec } from '../types/message.js';
import { RunEvent } from './event.js';
import type { RunInfo } from './run-info.js';

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
  /** Whether the call streams its answer. */
  readonly streaming: boolean;

  constructor(
    run: RunInfo,
    call: { request: LlmRequest; streaming: boolean; estimate: () => LlmEstimate },
  ) {
    super(run);
    this.#request = call.request;
    this.#estimate = call.estimate;
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

  protected fields(): readonly string[] {
    return ['prompt', 'messages', 'tools', 'parameters', 'streaming', 'estimate'];
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
