import { brand } from '../util/brand.js';
import type { AgentStep } from '../types/agent.js';
import type { Message } from '../types/message.js';
import { CallbacksError, type ErrorDetails } from './callbacks-error.js';
import { hide } from './inspect-error.js';

/**
 * A tool failed. Thrown by a tool itself with `fatal: true`, it ends the agent instead of going back to the model.
 *
 * @example
 * ```ts
 * throw new ToolExecutionError('The order system is down.', { fatal: true, cause: error });
 * ```
 */
export class ToolExecutionError extends CallbacksError {
  static {
    brand(this, 'error:ToolExecutionError');
  }

  override readonly code = 'tool_execution';
  /** Whether it ends the agent. */
  readonly fatal: boolean;

  constructor(message: string, details: ErrorDetails & { fatal?: boolean | undefined } = {}) {
    super(message, details);
    this.fatal = details.fatal ?? false;
  }
}

/**
 * The model called a tool that does not exist, or passed arguments that do not match. The model gets the error and may
 * call again.
 */
export class ToolArgumentsError extends CallbacksError {
  static {
    brand(this, 'error:ToolArgumentsError');
  }

  override readonly code = 'tool_arguments';
}

/** An agent used its last allowed turn and still wanted to call tools. */
export class MaxStepsExceededError extends CallbacksError {
  static {
    brand(this, 'error:MaxStepsExceededError');
  }

  override readonly code = 'max_steps';
  /** The turns so far. Not enumerable, so that loggers do not print them; the same holds for `messages`. */
  declare readonly steps: readonly AgentStep[];
  /** The transcript, with a result for every call: pass it to the next run as its `messages`. */
  declare readonly messages: readonly Message[];

  constructor(
    message: string,
    steps: readonly AgentStep[],
    details: ErrorDetails & { messages?: readonly Message[] } = {},
  ) {
    super(message, details);
    hide(this, 'steps', steps);
    hide(this, 'messages', details.messages ?? []);
  }
}
