import type { RequestContext } from '../events/run-info.js';
import type { Schema } from '../schema/schema.js';

/** What a tool gets besides its arguments. */
export interface ToolContext {
  /** Fires when the agent is aborted or fails, and when the tool's `timeoutMs` is over: stop then. */
  readonly signal: AbortSignal;
  /** The run of this call. */
  readonly runId: string;
  /** The model's id of the call. */
  readonly toolCallId: string;
  /** Who is asking: user, tenant, tags, metadata and the ids of the request. */
  readonly context: RequestContext;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const ToolContext: object = Object;

/** Whether a call must be approved before it is made; asked with the arguments that were validated. */
export type NeedsApproval<Args = unknown> = boolean | Asking<Args>['needsApproval'];

/** As a method, because tools of any arguments stand in one list. */
interface Asking<Args> {
  needsApproval(args: Args, context: ToolContext): boolean | Promise<boolean>;
}

/** What `@Tool()` and {@link defineTool} have in common. */
export interface ToolOptions<Args = unknown> {
  /** What the tool does, and when to use it: the model reads this. */
  description: string;
  /** The arguments, an object: any Standard Schema (zod 4 …) or a JSON Schema. None: a tool without arguments. */
  parameters?: Schema<Args>;
  /**
   * Whether a person must agree to a call first; see `approve` and `result.pending` of an agent.
   * @default false
   */
  needsApproval?: NeedsApproval<Args>;
  /** How long a call may take, in milliseconds; then its `signal` fires and the model is told. */
  timeoutMs?: number;
  /**
   * How much of a result the model is sent, in characters; the rest is cut, with a mark.
   * @default 50_000
   */
  maxResultChars?: number;
}

/** A tool that is a function; see {@link defineTool}. */
export interface ToolDefinition<Args = unknown> extends ToolOptions<Args> {
  /** How the model calls it: letters, digits, `_` and `-`, at most 64. */
  name: string;
  /** Returns text, anything that has a JSON form, parts of a message (`ContentPart[]`), or a stream of these. */
  execute(args: Args, context: ToolContext): unknown;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const ToolDefinition: object = Object;
