import { interceptor, type Interceptor } from '../handlers/interceptor.js';
import { interceptWork } from '../dispatch/compose.js';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { EmittedFields } from '../events/event-map.js';
import type { AgentStartEvent } from '../events/agent.events.js';
import type { Handler } from '../handlers/handler.js';
import type { AgentResult } from '../types/agent.js';
import type { Message } from '../types/message.js';
import type { AgentRun } from './agent-run.js';

/** The request of an agent. */
export interface AgentRequest {
  readonly goal: string;
  /** The messages of the first turn: the conversation so far, and the goal as its last message. */
  readonly messages: readonly Message[];
}
/** A value with the type's name, because compilers import the types in decorated signatures. */
export const AgentRequest: object = Object;

/** A run of an agent, as an interceptor receives it. */
export interface InterceptedAgentCall {
  readonly kind: 'agent';
  readonly request: AgentRequest;
  /** The start event, with the context: user, tenant, tags … */
  readonly event: AgentStartEvent;
  /** Fires when the agent must stop, also because its consumer stopped reading. */
  readonly signal: AbortSignal;
  /** Whether the agent is read as a stream; `next` returns a promise either way. */
  readonly streaming: boolean;
  /** Whether the agent was run by code other than this package, as `event.observed`. */
  readonly observed: boolean;
  /**
   * Emits a custom event of the agent's run, with its ids and context, and waits for its handlers. Rejects with the error
   * of a critical handler. Does nothing once the agent has ended.
   */
  emit<N extends string>(name: N, fields?: EmittedFields<N>): Promise<void>;
}
/** A value with the type's name, because compilers import the types in decorated signatures. */
export const InterceptedAgentCall: object = Object;

/**
 * Runs the agent, with another goal or other messages if a request is given; in a resumed run they stay unchanged.
 * Called again, the agent starts anew: its steps, usage and cost add up, and `maxSteps` applies to all of them. A
 * resumed run whose calls were executed then fails with a `PendingRunError`, because they are not executed twice.
 */
export type AgentNext = (request?: AgentRequest) => Promise<AgentResult>;
/** A value with the type's name, because compilers import the types in decorated signatures. */
export const AgentNext: object = Function;

/**
 * The method wraps each run of an agent. It may change the goal, answer without `next`, call it again, or throw, which
 * fails the agent with that very error. `usage` and `cost` count what was really done.
 *
 * @example
 * ```ts
 * class Again { @InterceptAgent() async ask(call: InterceptedAgentCall, next: AgentNext) {
 *   const result = await next();
 *   return result.output === '' ? next() : result;
 * } }
 * ```
 */
export const InterceptAgent: Interceptor<InterceptedAgentCall, AgentNext> = interceptor(
  'InterceptAgent',
  'agent',
);

type AgentWork = (messages: readonly Message[]) => Promise<AgentResult>;

/** Runs an agent through the interceptors around it. */
export function interceptAgent(agent: AgentRun, work: AgentWork): Promise<AgentResult> {
  const { run, spec } = agent;
  const handlers = run.handlers['intercept.agent'];
  return handlers.length === 0 ? work(spec.messages) : callThrough(handlers, agent, work);
}

async function callThrough(
  handlers: readonly Handler[],
  agent: AgentRun,
  work: AgentWork,
): Promise<AgentResult> {
  const { run, spec, startEvent } = agent;
  const viewOf = (request: AgentRequest): InterceptedAgentCall => ({
    kind: 'agent',
    request,
    event: startEvent as AgentStartEvent,
    get signal() {
      return agent.stopSignal;
    },
    streaming: spec.streaming,
    observed: run.observed,
    emit: (name, fields) => agent.emit(name, fields),
  });
  const { goal, messages } = spec;
  const given = await interceptWork(
    agent,
    {
      kind: 'agent',
      handlers,
      viewOf,
      work: (request) => run.inside(() => work(messagesOf(request, spec))),
    },
    { goal, messages },
  );
  return completed(agent, given);
}

/** A new goal alone replaces the message of the old one. */
function messagesOf({ goal, messages }: AgentRequest, before: AgentRequest): readonly Message[] {
  if (messages !== before.messages || goal === before.goal) return messages;
  return [...messages.slice(0, -1), { role: 'user', content: goal }];
}

/** The result of an agent, even if an interceptor created it. */
function completed({ run, steps, totals }: AgentRun, given: unknown): AgentResult {
  const result = Object(given) as AgentResult;
  if (typeof result.output !== 'string') {
    throw new CallbacksConfigurationError(
      'An interceptor of an agent gave no AgentResult: return what next() gives, or an object with an output at least.',
    );
  }
  const { usage, cost } = totals;
  const defaults = { steps, messages: [], finishReason: 'stop' as const };
  return { ...defaults, ...result, usage, cost, runId: run.runId };
}
