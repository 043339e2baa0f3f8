import { interceptor, type Interceptor } from '../handlers/interceptor.js';
import { interceptWork } from '../dispatch/compose.js';
import type { EmittedFields } from '../events/event-map.js';
import type { ToolStartEvent } from '../events/tool.events.js';
import type { TracedRun } from './traced-run.js';

/** A tool call that is about to be executed. */
export interface ToolRequest {
  readonly toolName: string;
  /** The model's id of the call. */
  readonly toolCallId: string;
  /** The arguments, validated. */
  readonly args: unknown;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const ToolRequest: object = Object;

/** A tool call as an interceptor sees it. */
export interface InterceptedToolCall {
  readonly kind: 'tool';
  readonly request: ToolRequest;
  /** The start event, with the context: user, tenant, tags … */
  readonly event: ToolStartEvent;
  /** Fires when the tool must stop. */
  readonly signal: AbortSignal;
  readonly streaming: false;
  /**
   * Emits a custom event of the tool call, with its ids and context, and waits for its handlers. Rejects with the error
   * of a critical handler. Does nothing once the tool call has ended.
   */
  emit<N extends string>(name: N, fields?: EmittedFields<N>): Promise<void>;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const InterceptedToolCall: object = Object;

/**
 * Executes the call, with other `args` if a request is passed; they are not validated again. Returns the tool's result.
 */
export type ToolNext = (request?: ToolRequest) => Promise<unknown>;
/** A value of that name, because compilers import the types in decorated signatures. */
export const ToolNext: object = Function;

/**
 * Wraps each allowed tool call: arguments are validated, start handlers are done, approval is given. The method may
 * modify the arguments, return a result without calling `next`, call `next` again, or throw, which fails the tool call.
 *
 * @example
 * ```ts
 * class Known { @InterceptTool({ when: ({ request }) => request.toolName === 'search' }) async cached({ request }: InterceptedToolCall, next: ToolNext) {
 *   const key = JSON.stringify(request.args);
 *   if (!this.found.has(key)) this.found.set(key, await next());
 *   return this.found.get(key);
 * } }
 * ```
 */
export const InterceptTool: Interceptor<InterceptedToolCall, ToolNext> = interceptor(
  'InterceptTool',
  'tool',
);

/** Executes a tool call through its interceptors. */
export function interceptTool(
  call: TracedRun<unknown>,
  request: ToolRequest,
  execute: (args: unknown) => unknown,
): unknown {
  const { run, startEvent } = call;
  const handlers = run.handlers['intercept.tool'];
  if (handlers.length === 0) return execute(request.args);
  const viewOf = (changed: ToolRequest): InterceptedToolCall => ({
    kind: 'tool',
    request: changed,
    event: startEvent as ToolStartEvent,
    get signal() {
      return run.signal;
    },
    streaming: false,
    emit: (name, fields) => call.emit(name, fields),
  });
  const work = ({ args }: ToolRequest) => run.inside(() => execute(args));
  return interceptWork(call, { kind: 'tool', handlers, viewOf, work }, request);
}
