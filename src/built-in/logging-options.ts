import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { CallbackEvent } from '../events/event-map.js';
import { isOptions, kindOf, optionNames, unknownOption } from '../util/known-options.js';

/**
 * Options of {@link LoggingCallbacks}.
 *
 * @example
 * ```ts
 * const options: LoggingOptions = { json: true, level: 'debug', sample: 0.1 };
 * ```
 */
export interface LoggingOptions {
  /** One readable line per run; the default. */
  pretty?: boolean;
  /**
   * One object of fields per run, for log collectors: a logger that takes objects, such as `nestjs-pino`, has them at the
   * top level of its own JSON; others write a line of JSON.
   */
  json?: boolean;
  /**
   * The level of successful runs. Failed runs are errors; aborted runs, runs that a limit or a handler rejected, and
   * tool calls that a person denied are warnings.
   * @default 'log'
   */
  level?: 'log' | 'debug' | 'verbose';
  /**
   * Also writes prompts, answers, arguments, results, error messages and the data of custom events, redacted and cut, and
   * a line when a run starts.
   * @default false
   */
  content?: boolean;
  /**
   * Also writes a line for each turn of an agent.
   * @default false
   */
  steps?: boolean;
  /**
   * Which trees of runs are logged: a share from 0 to 1, or a function that is called once for each root run, with the
   * first event of its tree. Errors and warnings are always logged.
   * @default 1
   */
  sample?: number | ((event: CallbackEvent) => boolean);
}

const NAMES = optionNames<LoggingOptions>({
  pretty: true,
  json: true,
  level: true,
  content: true,
  steps: true,
  sample: true,
});
const SWITCHES = ['pretty', 'json', 'content', 'steps'] as const;
const LEVELS: readonly unknown[] = ['log', 'debug', 'verbose', undefined];

/** Rejects unknown options, and options of the wrong type. */
export function checkLoggingOptions(options: LoggingOptions): void {
  if (!isOptions(options)) throw refusal(` takes an object of options, not ${kindOf(options)}`);
  const unknown = unknownOption(options, NAMES);
  if (unknown !== undefined) throw refusal(` has no ${unknown}`);
  for (const name of SWITCHES) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== 'boolean')
      throw refusal(`: ${name} must be true or false, not ${kindOf(value)}`);
  }
  if (!LEVELS.includes(options.level)) throw refusal(": level must be 'log', 'debug' or 'verbose'");
  const { sample = 1 } = options;
  const isShare = typeof sample === 'number' && sample >= 0 && sample <= 1;
  if (!isShare && typeof sample !== 'function')
    throw refusal(': sample must be a number from 0 to 1, or a function');
}

function refusal(what: string): CallbacksConfigurationError {
  return new CallbacksConfigurationError(`LoggingCallbacks${what}.`);
}
