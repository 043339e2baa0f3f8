import { isTimeoutMs, TIMEOUT_RULE } from '../deadline.js';
import { CallbacksConfigurationError } from '../errors/index.js';
import type { CompiledSchema, SchemaCache } from '../schema/index.js';
import { isToolName, type ToolSpec } from '../shapes/index.js';
import type { NeedsApproval, ToolContext, ToolOptions } from './tool-types.js';

const DEFAULT_MAX_RESULT_CHARS = 50_000;
const NO_PARAMETERS = { type: 'object', properties: {}, additionalProperties: false } as const;

/** A tool that was checked and is ready to be offered and called. */
export interface CallableTool {
  /** What the model is told of it. */
  readonly spec: ToolSpec;
  readonly schema: CompiledSchema;
  readonly needsApproval: NeedsApproval;
  readonly timeoutMs: number | undefined;
  readonly maxResultChars: number;
  execute(args: unknown, context: ToolContext): unknown;
}

/**
 * A tool from what the user says of it.
 *
 * @param place how the tool is named in errors: `Class.method`, or `defineTool "name"`
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
  const { description, parameters, timeoutMs, maxResultChars } = options ?? {};
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
  const schema = schemas.compile(parameters ?? NO_PARAMETERS, `the tool ${place}`);
  if (schema.jsonSchema.type !== 'object') {
    refuse(
      'its parameters must be an object schema, because models call tools by named arguments.',
    );
  }
  return {
    spec: { name, description, parameters: { ...schema.jsonSchema } },
    schema,
    needsApproval: options.needsApproval ?? false,
    timeoutMs,
    maxResultChars: maxResultChars ?? DEFAULT_MAX_RESULT_CHARS,
    execute,
  };
}
