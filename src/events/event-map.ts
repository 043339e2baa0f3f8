import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { brand } from '../util/brand.js';
import { AgentEndEvent, AgentErrorEvent, AgentStartEvent, AgentStepEvent } from './agent.events.js';
import { CallbackEndEvent, CallbackErrorEvent, CustomCallbackEvent } from './callback.events.js';
import { ChainEndEvent, ChainErrorEvent, ChainStartEvent } from './chain.events.js';
import { EmbeddingEndEvent, EmbeddingErrorEvent, EmbeddingStartEvent } from './embedding.events.js';
import { RunEvent, type RunInfo } from './event.js';
import type { HandlerContext } from './handler-options.js';
import { LimiterWaitEvent } from './limiter.events.js';
import {
  LlmCacheEvent,
  LlmEndEvent,
  LlmErrorEvent,
  LlmRetryEvent,
  LlmStartEvent,
  LlmStreamChunkEvent,
} from './llm.events.js';
import {
  McpConnectEvent,
  McpDisconnectEvent,
  McpLogEvent,
  McpProgressEvent,
} from './mcp.events.js';
import { RetrievalEndEvent, RetrievalErrorEvent, RetrievalStartEvent } from './retrieval.events.js';
import { ToolEndEvent, ToolErrorEvent, ToolStartEvent } from './tool.events.js';

/**
 * The phase of an event in its run's life cycle. It determines how a critical error affects the run; on a `note`, not
 * at all.
 */
export type EventPhase = 'start' | 'between' | 'end' | 'error' | 'note';

interface EventRow {
  /** The kind of run that the event is about, or what it is about. */
  readonly kind: string;
  readonly phase: EventPhase;
  /**
   * The event's class. Its name is the decorator's without `On` and with `Event`, except that a `CustomEvent` is a
   * `CustomCallbackEvent`, because JavaScript has a `CustomEvent`.
   */
  readonly event: abstract new (...args: never[]) => RunEvent;
  /** The method of a `Callbacks` class that handles it. */
  readonly method: `on${string}`;
  /** Whether its handlers are called outside of what `@BindContext()` binds. */
  readonly unbound?: true;
  /** Whether interceptors may emit it, by `call.emit()` with the payload of its constructor. */
  readonly emittable?: true;
  /** Whether `@OnAnyEvent()` leaves it out. */
  readonly unlisted?: true;
}

/**
 * All events by type: what they are about, their phase, their class and their method of `Callbacks`. Types and dispatch
 * lists are derived from this table.
 *
 * @example
 * ```ts
 * const { kind, phase } = EVENTS[event.type]; // 'tool' and 'end' of a 'tool.end'
 * ```
 */
// One line per event.
// prettier-ignore
export const EVENTS = {
  'llm.start': { kind: 'llm', phase: 'start', event: LlmStartEvent, method: 'onLlmStart' },
  'llm.chunk': { kind: 'llm', phase: 'between', event: LlmStreamChunkEvent, method: 'onLlmStreamChunk', unbound: true },
  'llm.retry': { kind: 'llm', phase: 'note', event: LlmRetryEvent, method: 'onLlmRetry' },
  'llm.cache': { kind: 'llm', phase: 'note', event: LlmCacheEvent, method: 'onLlmCache', emittable: true },
  'llm.end': { kind: 'llm', phase: 'end', event: LlmEndEvent, method: 'onLlmEnd' },
  'llm.error': { kind: 'llm', phase: 'error', event: LlmErrorEvent, method: 'onLlmError' },
  'embedding.start': { kind: 'embedding', phase: 'start', event: EmbeddingStartEvent, method: 'onEmbeddingStart' },
  'embedding.end': { kind: 'embedding', phase: 'end', event: EmbeddingEndEvent, method: 'onEmbeddingEnd' },
  'embedding.error': { kind: 'embedding', phase: 'error', event: EmbeddingErrorEvent, method: 'onEmbeddingError' },
  'agent.start': { kind: 'agent', phase: 'start', event: AgentStartEvent, method: 'onAgentStart' },
  'agent.step': { kind: 'agent', phase: 'between', event: AgentStepEvent, method: 'onAgentStep' },
  'agent.end': { kind: 'agent', phase: 'end', event: AgentEndEvent, method: 'onAgentEnd' },
  'agent.error': { kind: 'agent', phase: 'error', event: AgentErrorEvent, method: 'onAgentError' },
  'tool.start': { kind: 'tool', phase: 'start', event: ToolStartEvent, method: 'onToolStart' },
  'tool.end': { kind: 'tool', phase: 'end', event: ToolEndEvent, method: 'onToolEnd' },
  'tool.error': { kind: 'tool', phase: 'error', event: ToolErrorEvent, method: 'onToolError' },
  'chain.start': { kind: 'chain', phase: 'start', event: ChainStartEvent, method: 'onChainStart' },
  'chain.end': { kind: 'chain', phase: 'end', event: ChainEndEvent, method: 'onChainEnd' },
  'chain.error': { kind: 'chain', phase: 'error', event: ChainErrorEvent, method: 'onChainError' },
  'retrieval.start': { kind: 'retrieval', phase: 'start', event: RetrievalStartEvent, method: 'onRetrievalStart' },
  'retrieval.end': { kind: 'retrieval', phase: 'end', event: RetrievalEndEvent, method: 'onRetrievalEnd' },
  'retrieval.error': { kind: 'retrieval', phase: 'error', event: RetrievalErrorEvent, method: 'onRetrievalError' },
  'mcp.connect': { kind: 'mcp', phase: 'note', event: McpConnectEvent, method: 'onMcpConnect' },
  'mcp.disconnect': { kind: 'mcp', phase: 'note', event: McpDisconnectEvent, method: 'onMcpDisconnect' },
  'mcp.progress': { kind: 'mcp', phase: 'note', event: McpProgressEvent, method: 'onMcpProgress' },
  'mcp.log': { kind: 'mcp', phase: 'note', event: McpLogEvent, method: 'onMcpLog' },
  'limiter.wait': { kind: 'limiter', phase: 'note', event: LimiterWaitEvent, method: 'onLimiterWait', emittable: true },
  'callback.end': { kind: 'callback', phase: 'note', event: CallbackEndEvent, method: 'onCallbackEnd', unbound: true, unlisted: true },
  'callback.error': { kind: 'callback', phase: 'note', event: CallbackErrorEvent, method: 'onCallbackError', unbound: true },
  'custom': { kind: 'custom', phase: 'between', event: CustomCallbackEvent, method: 'onCustomEvent' },
} as const satisfies Record<string, EventRow>;

/** The `type` of an event: `'llm.start'`, `'tool.error'` … */
export type EventType = keyof typeof EVENTS;

/** What an event is about: `'llm'`, `'tool'` … */
export type EventKind = (typeof EVENTS)[EventType]['kind'];

/** The event class of a type. */
export type EventOf<T extends EventType> = InstanceType<(typeof EVENTS)[T]['event']>;

/** The kinds of runs that are billed, because they send requests to a model. */
export const BILLABLE_KINDS = ['llm', 'embedding'] as const;
export type BillableKind = (typeof BILLABLE_KINDS)[number];

/** The start of a billable run. */
export type ModelStartEvent = EventOf<`${BillableKind}.start`>;

/** Any event; `event.type` is its type. */
export type CallbackEvent = EventOf<EventType>;
/** The base class of all events: a value of this name, because compilers import the types in decorated signatures. */
export const CallbackEvent: typeof RunEvent = RunEvent;

/** The types of events that interceptors may emit. */
type EmittableType = {
  [T in EventType]: (typeof EVENTS)[T] extends { emittable: true } ? T : never;
}[EventType];

/** The fields of an event that an interceptor emits; the data of a custom event. */
export type EmittedFields<N extends string> = N extends EmittableType
  ? ConstructorParameters<(typeof EVENTS)[N]['event']>[1]
  : unknown;

/** The event that an interceptor emits: of the package, if its type is emittable, otherwise a custom event. */
export function toEmittedEvent(run: RunInfo, name: string, fields: unknown): CallbackEvent {
  const row: EventRow | undefined = Object.hasOwn(EVENTS, name)
    ? EVENTS[name as EventType]
    : undefined;
  if (row?.emittable) {
    const Event = row.event as unknown as new (run: RunInfo, fields: unknown) => CallbackEvent;
    return new Event(run, fields);
  }
  checkCustomName('emit()', name);
  return new CustomCallbackEvent(run, { name, data: fields });
}

/** What a handler can listen to: one type of event, or `'*'` for all. */
export type EventSelector = EventType | '*';

/** The event that a handler of `S` receives. */
export type SelectedEvent<S extends EventSelector> = S extends EventType
  ? EventOf<S>
  : CallbackEvent;

/** The method of a `Callbacks` class that handles every event. */
export const ANY_EVENT_METHOD = 'onAnyEvent';

/** Whether `'*'`, all events, includes a type. */
export function isListed(type: EventType): boolean {
  return !('unlisted' in EVENTS[type]);
}

/** All event types, in the order of the table. */
export const EVENT_TYPES = Object.keys(EVENTS) as readonly EventType[];

const CUSTOM_NAME = /^[\w.:-]{1,64}$/;

/** Rejects a name that a custom event cannot have. The error does not quote it, because it may be anything. */
export function checkCustomName(place: string, name: unknown): asserts name is string {
  if (typeof name !== 'string' || !CUSTOM_NAME.test(name))
    throw new CallbacksConfigurationError(
      `A custom event needs a name of 1 to 64 letters, digits, ".", ":", "-" or "_": ${place} has none, or another one.`,
    );
  if (Object.hasOwn(EVENTS, name))
    throw new CallbacksConfigurationError(
      `A custom event cannot have the name of an event of the package: ${place} has "${name}". Choose another name.`,
    );
}

/** Marks the prototype of {@link Callbacks}, so that a second copy of the package is recognized too. */
export const CALLBACKS_CLASS = Symbol.for('nestjs-llm-callbacks:callbacks');

/**
 * Base class of callbacks that are methods without decorators: override the methods of the events to handle. A provider
 * of such a class is discovered; an instance may be passed in any `callbacks` list.
 *
 * @example
 * ```ts
 * class Narrator extends Callbacks {
 *   override onLlmStart(event: LlmStartEvent) {
 *     console.log(`${event.provider}/${event.model}: ${event.messages.length} messages`);
 *   }
 * }
 * ```
 */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- every merged method is optional
export abstract class Callbacks {
  /** @internal */
  static {
    brand(this, 'class:Callbacks');
    Object.defineProperty(this.prototype, CALLBACKS_CLASS, { value: true });
  }
}

// Written out because a subclass may only override methods, and a type mapped from the table has properties.
export interface Callbacks {
  /** An LLM call is about to be sent. */
  onLlmStart?(event: LlmStartEvent, context: HandlerContext): unknown;
  /** A chunk of a streamed answer. */
  onLlmStreamChunk?(event: LlmStreamChunkEvent, context: HandlerContext): unknown;
  /** The SDK or the provider retries. */
  onLlmRetry?(event: LlmRetryEvent, context: HandlerContext): unknown;
  /** A call is answered from a cache. */
  onLlmCache?(event: LlmCacheEvent, context: HandlerContext): unknown;
  /** An LLM call completed. */
  onLlmEnd?(event: LlmEndEvent, context: HandlerContext): unknown;
  /** An LLM call failed or was aborted. */
  onLlmError?(event: LlmErrorEvent, context: HandlerContext): unknown;
  /** Texts are about to be embedded. */
  onEmbeddingStart?(event: EmbeddingStartEvent, context: HandlerContext): unknown;
  /** Texts were embedded. */
  onEmbeddingEnd?(event: EmbeddingEndEvent, context: HandlerContext): unknown;
  /** Embedding texts failed or was aborted. */
  onEmbeddingError?(event: EmbeddingErrorEvent, context: HandlerContext): unknown;
  /** An agent run starts. */
  onAgentStart?(event: AgentStartEvent, context: HandlerContext): unknown;
  /** An agent completed a turn. */
  onAgentStep?(event: AgentStepEvent, context: HandlerContext): unknown;
  /** An agent run completed. */
  onAgentEnd?(event: AgentEndEvent, context: HandlerContext): unknown;
  /** An agent run failed or was aborted. */
  onAgentError?(event: AgentErrorEvent, context: HandlerContext): unknown;
  /** A tool is about to be called. */
  onToolStart?(event: ToolStartEvent, context: HandlerContext): unknown;
  /** A tool call completed. */
  onToolEnd?(event: ToolEndEvent, context: HandlerContext): unknown;
  /** A tool call failed. */
  onToolError?(event: ToolErrorEvent, context: HandlerContext): unknown;
  /** A chain starts. */
  onChainStart?(event: ChainStartEvent, context: HandlerContext): unknown;
  /** A chain completed. */
  onChainEnd?(event: ChainEndEvent, context: HandlerContext): unknown;
  /** A chain failed. */
  onChainError?(event: ChainErrorEvent, context: HandlerContext): unknown;
  /** A retrieval starts. */
  onRetrievalStart?(event: RetrievalStartEvent, context: HandlerContext): unknown;
  /** A retrieval completed. */
  onRetrievalEnd?(event: RetrievalEndEvent, context: HandlerContext): unknown;
  /** A retrieval failed. */
  onRetrievalError?(event: RetrievalErrorEvent, context: HandlerContext): unknown;
  /** An MCP server connected. */
  onMcpConnect?(event: McpConnectEvent, context: HandlerContext): unknown;
  /** An MCP server disconnected. */
  onMcpDisconnect?(event: McpDisconnectEvent, context: HandlerContext): unknown;
  /** An MCP server reported progress. */
  onMcpProgress?(event: McpProgressEvent, context: HandlerContext): unknown;
  /** An MCP server logged a message. */
  onMcpLog?(event: McpLogEvent, context: HandlerContext): unknown;
  /** A limiter made a call wait. */
  onLimiterWait?(event: LimiterWaitEvent, context: HandlerContext): unknown;
  /** A handler returned, or failed. */
  onCallbackEnd?(event: CallbackEndEvent, context: HandlerContext): unknown;
  /** A handler failed. */
  onCallbackError?(event: CallbackErrorEvent, context: HandlerContext): unknown;
  /** An event of the application. */
  onCustomEvent?(event: CustomCallbackEvent, context: HandlerContext): unknown;
  /** Every event, except `callback.end`. */
  onAnyEvent?(event: CallbackEvent, context: HandlerContext): unknown;
}

/** Compiles only if the methods match the table. */
export type CallbackMethodsMatchTable = Assert<Same<keyof Callbacks, CallbackMethod>>;
type CallbackMethod = (typeof EVENTS)[EventType]['method'] | typeof ANY_EVENT_METHOD;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type Assert<T extends true> = T;
