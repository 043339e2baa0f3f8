import type { RequestContext } from '../events/run-info.js';
import type { Schema } from '../schema/schema.js';

/** The second argument of a tool. */
export interface ToolContext {
  /** Fires when the agent is aborted or fails, and when the tool's `timeoutMs` is over: stop then. */
  readonly signal: AbortSignal;
  /** The id of this call's run. */
  readonly runId: string;
  /** The model's id of the call. */
  readonly toolCallId: string;
  /** The context of the run: user, tenant, tags, metadata and the ids of the request. */
  readonly context: RequestContext;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const ToolContext: object = Object;

/** Whether a call must be approved first; a function is called with the validated arguments. */
export type NeedsApproval<Args = unknown> = boolean | Asking<Args>['needsApproval'];

/** Declared as a method, so that tools with different arguments fit into one list. */
interface Asking<Args> {
  needsApproval(args: Args, context: ToolContext): boolean | Promise<boolean>;
}

/** The common options of `@Tool()` and {@link defineTool}. */
export interface ToolOptions<Args = unknown> {
  /** What the tool does and when to use it, for the model. */
  description: string;
  /**
   * The schema of the arguments, an object: any Standard Schema (zod 4 …) or a JSON Schema. Omit it for a tool without
   * arguments.
   */
  parameters?: Schema<Args>;
  /**
   * Whether a person must approve a call first; see `approve` and `result.pending` of an agent.
   * @default false
   */
  needsApproval?: NeedsApproval<Args>;
  /** How long a call may take, in milliseconds. Then its `signal` fires and the model receives an error. */
  timeoutMs?: number;
  /**
   * The maximum length of a result sent to the model, in characters; the rest is cut, with a mark.
   * @default 50_000
   */
  maxResultChars?: number;
}

/** A tool defined from a function; see {@link defineTool}. */
export interface ToolDefinition<Args = unknown> extends ToolOptions<Args> {
  /** The tool's name for the model: letters, digits, `_` and `-`, at most 64. */
  name: string;
  /** Returns text, any JSON-serializable value, parts of a message (`ContentPart[]`), or a stream of these. */
  execute(args: Args, context: ToolContext): unknown;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const ToolDefinition: object = Object;
