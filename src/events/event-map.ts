import { AgentEndEvent, AgentErrorEvent, AgentStartEvent, AgentStepEvent } from './agent.events.js';
import { CallbackErrorEvent } from './callback.events.js';
import { ChainEndEvent, ChainErrorEvent, ChainStartEvent } from './chain.events.js';
import { RunEvent } from './event.js';
import {
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
  /** The event's class. Its name is the decorator's without `On` and with `Event`. */
  readonly event: abstract new (...args: never[]) => RunEvent;
  /** The method of a `Callbacks` class that handles it. */
  readonly method: `on${string}`;
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
  'llm.chunk': { kind: 'llm', phase: 'between', event: LlmStreamChunkEvent, method: 'onLlmStreamChunk' },
  'llm.retry': { kind: 'llm', phase: 'note', event: LlmRetryEvent, method: 'onLlmRetry' },
  'llm.end': { kind: 'llm', phase: 'end', event: LlmEndEvent, method: 'onLlmEnd' },
  'llm.error': { kind: 'llm', phase: 'error', event: LlmErrorEvent, method: 'onLlmError' },
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
  'callback.error': { kind: 'callback', phase: 'note', event: CallbackErrorEvent, method: 'onCallbackError' },
} as const satisfies Record<string, EventRow>;

/** The `type` of an event: `'llm.start'`, `'tool.error'` … */
export type EventType = keyof typeof EVENTS;

/** What an event is about: `'llm'`, `'tool'` … */
export type EventKind = (typeof EVENTS)[EventType]['kind'];

/** The event class of a type. */
export type EventOf<T extends EventType> = InstanceType<(typeof EVENTS)[T]['event']>;

/** Any event; `event.type` is its type. */
export type CallbackEvent = EventOf<EventType>;
/** The base class of all events: a value of this name, because compilers import the types in decorated signatures. */
export const CallbackEvent: typeof RunEvent = RunEvent;

/** What a handler can listen to: one type of event, or `'*'` for all. */
export type EventSelector = EventType | '*';

/** The event that a handler of `S` receives. */
export type SelectedEvent<S extends EventSelector> = S extends EventType
  ? EventOf<S>
  : CallbackEvent;

/** The method of a `Callbacks` class that handles every event. */
export const ANY_EVENT_METHOD = 'onAnyEvent';

/** All event types, in the order of the table. */
export const EVENT_TYPES = Object.keys(EVENTS) as readonly EventType[];
