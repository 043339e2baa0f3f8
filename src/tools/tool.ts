import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { RequestContext } from '../events/event.js';
import type { SchemaCache } from '../schema/compile-schema.js';
import type { CompiledSchema, Schema } from '../schema/schema.js';
import { isToolName, type ToolSpec } from '../types/message.js';
import { kindOf, optionNames, unknownOption } from '../util/known-options.js';
import { isTimeoutMs, TIMEOUT_RULE } from '../util/promises.js';

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

const DEFAULT_MAX_RESULT_CHARS = 50_000;
const NO_PARAMETERS = { type: 'object', properties: {}, additionalProperties: false } as const;

const TOOL_OPTIONS = optionNames<ToolDefinition>({
  name: true,
  description: true,
  parameters: true,
  needsApproval: true,
  timeoutMs: true,
  maxResultChars: true,
  execute: true,
});

/** A checked tool, ready to be offered and called. */
export interface CallableTool {
  /** The tool's description for the model. */
  readonly spec: ToolSpec;
  readonly schema: CompiledSchema;
  readonly needsApproval: NeedsApproval;
  readonly timeoutMs: number | undefined;
  readonly maxResultChars: number;
  execute(args: unknown, context: ToolContext): unknown;
}

/**
 * Creates a tool from the user's definition.
 *
 * @param place the tool's name in errors: `Class.method`, or `defineTool "name"`
 */
export function toTool(
  name: string,
  options: ToolOptions,
  place: string,
  schemas: SchemaCache,
  execute: CallableTool['execute'],
): CallableTool {
  const refuse = (what: string): never => {
    throw new CallbacksConfigurationError(`The tool ${place}: ${what}`);
  };
  const { description, parameters, timeoutMs, maxResultChars, needsApproval } = options ?? {};
  // An object of a user-defined class may have other members.
  if (options !== undefined && isPlain(options)) {
    const unknown = unknownOption(options, TOOL_OPTIONS);
    if (unknown !== undefined) refuse(`there is no ${unknown}.`);
  }
  if (!isToolName(name)) {
    refuse(
      `providers refuse the name "${String(name)}"; use 1 to 64 letters, digits, "_" and "-".`,
    );
  }
  if (typeof description !== 'string' || description.trim() === '') {
    refuse('the description is missing: the model reads it to know when to call the tool.');
  }
  if (timeoutMs !== undefined && !isTimeoutMs(timeoutMs)) refuse(TIMEOUT_RULE);
  if (maxResultChars !== undefined && !(Number.isInteger(maxResultChars) && maxResultChars > 0)) {
    refuse('maxResultChars must be a whole number above 0.');
  }
  if (needsApproval !== undefined && !['boolean', 'function'].includes(typeof needsApproval))
    refuse(`needsApproval must be true, false or a function, not ${kindOf(needsApproval)}.`);
  const schema = schemas.compile(parameters ?? NO_PARAMETERS, `the tool ${place}`);
  if (schema.jsonSchema.type !== 'object') {
    refuse(
      'its parameters must be an object schema, because models call tools by named arguments.',
    );
  }
  return {
    spec: { name, description, parameters: { ...schema.jsonSchema } },
    schema,
    needsApproval: needsApproval ?? false,
    timeoutMs,
    maxResultChars: maxResultChars ?? DEFAULT_MAX_RESULT_CHARS,
    execute,
  };
}

function isPlain(options: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(options);
  return prototype === Object.prototype || prototype === null;
}
