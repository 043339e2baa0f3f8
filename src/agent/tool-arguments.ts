import { excessOf, MAX_CHECKED_DEPTH, MAX_CHECKED_NODES, type Excess } from '../util/bounds.js';
import { ToolArgumentsError, ToolExecutionError } from '../errors/callback-errors.js';
import { toJsonText } from '../events/serialize.js';
import type { ValidationResult } from '../schema/schema.js';
import type { ToolCall } from '../types/message.js';
import type { CallableTool } from '../tools/tool.js';
import { messageOf } from '../util/log.js';

/** More than a model has a reason to write; the rest of the run need not keep it. */
const MAX_ARGS_CHARS = 1_000_000;

/** Arguments that match, as transformed by the tool's schema. */
interface FittingArguments {
  readonly value: unknown;
}

/**
 * The arguments of a call, validated; a promise only if the tool's schema validates asynchronously.
 *
 * @throws ToolArgumentsError whose message the model receives
 */
export function checkArguments(
  call: ToolCall,
  tool: CallableTool | undefined,
  offered: readonly string[],
): FittingArguments | Promise<FittingArguments> {
  if (tool === undefined) {
    throw new ToolArgumentsError(
      offered.length > 0
        ? `There is no tool of that name; there are: ${offered.join(', ')}.`
        : 'There are no tools.',
    );
  }
  if (call.argsText.length > MAX_ARGS_CHARS) {
    throw new ToolArgumentsError(
      `The arguments are ${call.argsText.length} characters long; ${MAX_ARGS_CHARS} are allowed.`,
    );
  }
  if (call.argsError !== undefined) throw new ToolArgumentsError(call.argsError);
  refuseExcess(call.args);
  refusePrototypes(call.args);
  const checked = tool.schema.validate(call.args);
  return checked instanceof Promise ? checked.then(fitting) : fitting(checked);
}

function fitting(checked: ValidationResult<unknown>): FittingArguments {
  if ('value' in checked) return checked;
  throw new ToolArgumentsError(`The arguments do not fit the tool's parameters: ${checked.issues}`);
}

/** A call with other arguments than the model's. */
export function withArgs(call: ToolCall, args: unknown): ToolCall {
  const { argsError: _wrong, ...rest } = call;
  return { ...rest, args, argsText: args === undefined ? '' : toJsonText(args) };
}

/** The error of a tool, as an error of our tree; its own message is kept, because it is for the model too. */
export function toToolError(thrown: unknown, toolName: string): ToolExecutionError {
  return new ToolExecutionError(`The tool "${toolName}" failed: ${messageOf(thrown)}`, {
    cause: thrown,
  });
}

const EXCESS: Record<Excess, string> = {
  deep: `they are nested more than ${MAX_CHECKED_DEPTH} levels deep`,
  large: `they hold more than ${MAX_CHECKED_NODES} values`,
  unreadable: 'they cannot be read',
};

/** Before anything recurses over them: the validators of schemas, and the tool itself. */
function refuseExcess(args: unknown): void {
  const excess = excessOf(args, { depth: MAX_CHECKED_DEPTH, nodes: MAX_CHECKED_NODES });
  if (excess === undefined) return;
  throw new ToolArgumentsError(
    `The arguments do not fit the tool's parameters: ${EXCESS[excess]}.`,
  );
}

/** Rejects keys that would reach a prototype when a tool merges its arguments into something else. */
function refusePrototypes(args: unknown): void {
  const rest: unknown[] = [args];
  while (rest.length > 0) {
    const value = rest.pop();
    if (typeof value !== 'object' || value === null) continue;
    const { constructor } = value;
    if (
      Object.hasOwn(value, '__proto__') ||
      (Object.hasOwn(value, 'constructor') &&
        Object.hasOwn(Object(constructor) as object, 'prototype'))
    ) {
      throw new ToolArgumentsError('The arguments have a key that is not allowed.');
    }
    for (const item of Object.values(value)) rest.push(item);
  }
}
