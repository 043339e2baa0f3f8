import { isTimeoutMs, TIMEOUT_RULE } from '../util/deadline.js';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { kindOf, optionNames, unknownOption } from '../util/known-options.js';
import type { CompiledSchema } from '../schema/schema.js';
import type { SchemaCache } from '../schema/schema-cache.js';
import { isToolName } from '../types/tool-name.js';
import type { ToolSpec } from '../types/message.js';
import type { NeedsApproval, ToolContext, ToolDefinition, ToolOptions } from './tool-types.js';

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
