import type { MessageEvent } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { describeError } from '../errors/callbacks-error.js';
import { type CallbackEvent, EVENTS } from '../events/event-map.js';
import { toSafeJson } from '../events/serialize.js';
import type { ToolEndEvent, ToolErrorEvent, ToolStartEvent } from '../events/tool.events.js';
import { observe, toEventStream, type ToSseOptions } from '../llm/call/partial-json.js';
import type { SsePlace } from '../llm/llm-stream.js';
import {
  type ManagedStream,
  ColdStream,
  ON_COMPLETE,
  type Outcome,
  type StreamWatcher,
} from '../runs/cold-stream.js';
import type { AgentResult, AgentStep } from '../types/agent.js';
import type { LlmChunk } from '../types/llm.js';
import { brand } from '../util/brand.js';
import type { AgentRun } from './agent-run.js';
import { EventFeed } from './event-feed.js';

/** A run of an agent that starts when it is read. @internal */
export interface ColdAgent {
  readonly agent: AgentRun;
  readonly feed: EventFeed;
  begin(): Promise<AgentResult>;
}

/**
 * A running agent, as the events of its run and of everything inside: `agent.start`, `llm.chunk`, `tool.end` … Cold:
 * nothing happens before it is read, by `for await`, `.toObservable()` or `.result`. It has one consumer, which sets
 * the pace; `.result` does not count as one.
 *
 * Breaking out of the loop stops the model and the tools and ends the run with `finishReason: 'cancelled'`.
 *
 * @example
 * ```ts
 * const stream = agent.stream('Where is my order?');
 * for await (const event of stream) if (event.type === 'tool.start') console.log(event.toolName);
 * const { output } = await stream.result;
 * ```
 */
export class AgentStream
  implements AsyncIterable<CallbackEvent>, AsyncDisposable, ManagedStream<AgentResult>
{
  static {
    brand(this, 'class:AgentStream');
  }

  readonly #reader: AgentReader;
  readonly #place: SsePlace | undefined;

  /** @internal created by an agent; an error is thrown when the stream is read. */
  constructor(cold: ColdAgent | Error, place?: SsePlace) {
    this.#reader = new AgentReader(cold);
    this.#place = place;
  }

  /** @throws CallbacksConfigurationError for a second consumer */
  [Symbol.asyncIterator](): AsyncIterableIterator<CallbackEvent, undefined> {
    return this.#reader.open();
  }

  /**
   * The result of the agent; rejects when it fails. May be accessed before, during or after reading. If nothing reads
   * the stream by the next macrotask, the agent runs without a consumer.
   */
  get result(): Promise<AgentResult> {
    return this.#reader.result;
  }

  /**
   * Fails the agent with an `LlmAbortedError` with `reason` as its cause; an agent that has not started fails when it
   * is read.
   */
  abort(reason?: unknown): void {
    this.#reader.abort(reason);
  }

  /** The events as an Observable, which reads on subscription; unsubscribing cancels the run. */
  toObservable(): Observable<CallbackEvent> {
    return observe(this);
  }

  /**
   * The running agent as server-sent events, for a handler with `@Sse()`: `chunk` with a piece of the model's text,
   * `tool` with the start and the end of each tool call, those inside other tools included, and `step` with each of its
   * turns; then `done` (`{ finishReason, usage, cost }`) or `failed` (the body that `CallbacksExceptionFilter` writes,
   * used or not). Arguments and results are left out unless `content` is set. It reads on subscription; a client that
   * disconnects cancels the run.
   *
   * An `EventSource` reconnects whenever a stream ends. That request is answered with status 204, which stops it, and
   * neither a model nor a tool is called.
   *
   * @example
   * ```ts
   * export class ChatController {
   *   constructor(private readonly agent: AgentService) {}
   *
   *   // With @Sse('chat'):
   *   ask(@Query('question') question: string) {
   *     return this.agent.stream(question).toSse();
   *   }
   * }
   * ```
   */
  toSse(options: ToSseOptions = {}): Observable<MessageEvent> {
    const { content = false } = options;
    const toMessage = (event: CallbackEvent) =>
      toSseMessage(event, { runId: this.#reader.runId, content });
    const outcome = async () => {
      const { finishReason, usage, cost } = await this.#reader.result;
      return { finishReason, usage, cost };
    };
    const request = this.#place?.eventSource;
    return toEventStream({ items: this, toMessage, outcome }, request, options);
  }

  /**
   * Calls `watcher` once, when the agent has ended, was aborted before it started, or was disposed of unread. It is
   * awaited before the consumer receives the end, and its error goes to the consumer.
   *
   * @param watcher receives `{ result }` or `{ error }`; `result` is `undefined` for a stream that nobody has read
   */
  onComplete(watcher: StreamWatcher<AgentResult>): void {
    this.#reader.onComplete(watcher);
  }

  /** @internal for a run that returns this stream */
  [ON_COMPLETE](watcher: StreamWatcher<AgentResult>): void {
    this.#reader.onComplete(watcher);
  }

  /** Stops reading; an agent that has not started never will. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.dispose();
  }
}

const WORDS = {
  stream: 'stream of the agent',
  subject: 'agent',
  result: 'result',
  whole: 'result',
  property: 'result',
};

/** Reads the events of an agent, which runs at the pace of the consumer. */
class AgentReader extends ColdStream<CallbackEvent, AgentResult> {
  readonly #cold: ColdAgent | undefined;
  readonly #feed: EventFeed;

  constructor(cold: ColdAgent | Error) {
    super(WORDS, cold instanceof Error ? cold : undefined);
    this.#cold = cold instanceof Error ? undefined : cold;
    this.#feed = this.#cold?.feed ?? new EventFeed();
  }

  get runId(): string | undefined {
    return this.#cold?.agent.run.runId;
  }

  protected async start(): Promise<void> {
    const cold = this.#cold!;
    if (this.isRead) this.#feed.open();
    const flow = (): void => this.#feed.flow();
    cold.agent.run.onAbort(flow);
    cold.agent.reader.onAbort(flow);
    try {
      await this.conclude({ result: await cold.begin() });
    } catch (error) {
      await this.conclude({ error });
    }
  }

  protected pull(): Promise<IteratorResult<CallbackEvent, undefined>> {
    return this.#feed.next();
  }

  protected deliverEnd(settled: Outcome<AgentResult>): void {
    this.#feed.finish('error' in settled ? settled : {});
  }

  protected stop(error: Error): void {
    this.#cold?.agent.abort(error);
  }

  override dispose(): Promise<void> {
    this.#feed.close();
    return super.dispose();
  }

  protected leave(): void {
    this.#cold?.agent.cancel();
  }
}

/** Which events of an agent are sent, and how much of them. */
interface SseView {
  /** The agent's run: the output of models and agents inside its tools is part of the tools' results. */
  readonly runId: string | undefined;
  /** Whether arguments and results are sent. */
  readonly content: boolean;
}

/** Returns what a client receives of an event, if anything. */
function toSseMessage(event: CallbackEvent, view: SseView): MessageEvent | undefined {
  switch (event.type) {
    case 'llm.chunk': {
      if (event.parentRunId !== view.runId) return undefined;
      const chunk = view.content ? event.chunk : withoutArguments(event.chunk);
      return chunk && { type: 'chunk', data: chunk };
    }
    case 'agent.step':
      if (event.runId !== view.runId) return undefined;
      return { type: 'step', data: stepOf(event.step, view) };
    case 'tool.start':
    case 'tool.end':
    case 'tool.error':
      return { type: 'tool', data: toolOf(event, view) };
    default:
      return undefined;
  }
}

/** The start of a tool call, which names it; the rest is arguments. */
function withoutArguments(chunk: LlmChunk): LlmChunk | undefined {
  if (chunk.type !== 'tool-call') return chunk;
  if (chunk.id === undefined && chunk.name === undefined) return undefined;
  return { ...chunk, argsDelta: '' };
}

function stepOf(step: AgentStep, { content }: SseView): object {
  const { index, action, text, usage, cost } = step;
  const toolCalls = step.toolCalls.map(({ id, name, args }) => ({
    id,
    name,
    ...(content && { args: toSafeJson(args) }),
  }));
  const toolResults = step.toolResults.map(({ toolCallId, toolName, result, error }) => ({
    toolCallId,
    toolName,
    ...(content && { result: toSafeJson(result) }),
    ...(error && { error: content ? error : { code: error.code } }),
  }));
  return { index, action, text, toolCalls, toolResults, usage, cost };
}

function toolOf(
  event: ToolStartEvent | ToolEndEvent | ToolErrorEvent,
  { content }: SseView,
): object {
  const { type, toolCallId, toolName, args, approval } = event;
  const error = type === 'tool.error' ? describeError(event.error) : undefined;
  return {
    phase: EVENTS[type].phase,
    toolCallId,
    toolName,
    ...(type !== 'tool.start' && { durationMs: event.durationMs }),
    ...(approval && { approval: content ? approval : { status: approval.status } }),
    ...(error && { error: content ? error : { code: error.code } }),
    ...(content && { args: toSafeJson(args) }),
    ...(content && type === 'tool.end' && { result: toSafeJson(event.result) }),
  };
}
