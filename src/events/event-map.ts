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
  /** The event's class. Its name is the decorator's without `On` and with `Event`. */
  readonly event: abstract new (...args: never[]) => RunEvent;
  /** The method of a `Callbacks` class that handles it. */
  readonly method: `on${string}`;
  readonly phase: EventPhase;
}

/** All events. Types, decorators, class methods and dispatch lists are derived from this table. */
export const EVENTS = {
  'llm.start': { event: LlmStartEvent, method: 'onLlmStart', phase: 'start' },
  'llm.chunk': { event: LlmStreamChunkEvent, method: 'onLlmStreamChunk', phase: 'between' },
  'llm.retry': { event: LlmRetryEvent, method: 'onLlmRetry', phase: 'note' },
  'llm.end': { event: LlmEndEvent, method: 'onLlmEnd', phase: 'end' },
  'llm.error': { event: LlmErrorEvent, method: 'onLlmError', phase: 'error' },
  'agent.start': { event: AgentStartEvent, method: 'onAgentStart', phase: 'start' },
  'agent.step': { event: AgentStepEvent, method: 'onAgentStep', phase: 'between' },
  'agent.end': { event: AgentEndEvent, method: 'onAgentEnd', phase: 'end' },
  'agent.error': { event: AgentErrorEvent, method: 'onAgentError', phase: 'error' },
  'tool.start': { event: ToolStartEvent, method: 'onToolStart', phase: 'start' },
  'tool.end': { event: ToolEndEvent, method: 'onToolEnd', phase: 'end' },
  'tool.error': { event: ToolErrorEvent, method: 'onToolError', phase: 'error' },
  'chain.start': { event: ChainStartEvent, method: 'onChainStart', phase: 'start' },
  'chain.end': { event: ChainEndEvent, method: 'onChainEnd', phase: 'end' },
  'chain.error': { event: ChainErrorEvent, method: 'onChainError', phase: 'error' },
  'retrieval.start': { event: RetrievalStartEvent, method: 'onRetrievalStart', phase: 'start' },
  'retrieval.end': { event: RetrievalEndEvent, method: 'onRetrievalEnd', phase: 'end' },
  'retrieval.error': { event: RetrievalErrorEvent, method: 'onRetrievalError', phase: 'error' },
  'mcp.connect': { event: McpConnectEvent, method: 'onMcpConnect', phase: 'note' },
  'mcp.disconnect': { event: McpDisconnectEvent, method: 'onMcpDisconnect', phase: 'note' },
  'mcp.progress': { event: McpProgressEvent, method: 'onMcpProgress', phase: 'note' },
  'mcp.log': { event: McpLogEvent, method: 'onMcpLog', phase: 'note' },
  'callback.error': { event: CallbackErrorEvent, method: 'onCallbackError', phase: 'note' },
} as const satisfies Record<string, EventRow>;

/** The `type` of an event: `'llm.start'`, `'tool.error'` … */
export type EventType = keyof typeof EVENTS;

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
