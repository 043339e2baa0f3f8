import { interceptor, type Interceptor } from '../handlers/interceptor.js';
import { interceptWork } from '../dispatch/intercept.js';
import type { ToolStartEvent } from '../events/tool.events.js';
import type { TracedRun } from './traced-run.js';

/** A call of a tool that is about to be carried out. */
export interface ToolRequest {
  readonly toolName: string;
  /** The model's id of the call. */
  readonly toolCallId: string;
  /** The arguments, validated. */
  readonly args: unknown;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const ToolRequest: object = Object;

/** A call of a tool as an interceptor sees it. */
export interface InterceptedToolCall {
  readonly kind: 'tool';
  readonly request: ToolRequest;
  /** The start event, with the context: user, tenant, tags … */
  readonly event: ToolStartEvent;
  /** Fires when the tool is to stop. */
  readonly signal: AbortSignal;
  readonly streaming: false;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const InterceptedToolCall: object = Object;

/** Carries the call out, with other `args` if a request is given; they are not validated again. Gives the tool's result. */
export type ToolNext = (request?: ToolRequest) => Promise<unknown>;
/** A value of that name, because compilers import the types in decorated signatures. */
export const ToolNext: object = Function;

/**
 * The method is called around each call of a tool that was allowed: arguments checked, start handlers done, approval
 * given. It may change the arguments, answer without `next`, call it again, or throw, which is the tool's failure.
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

/** Carries a call of a tool out, through the interceptors around it. */
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
  });
  const work = ({ args }: ToolRequest) => run.inside(() => execute(args));
  return interceptWork(call, { kind: 'tool', handlers, viewOf, work }, request);
}
