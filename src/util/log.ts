import { Logger } from '@nestjs/common';
import { logStack, logText, sanitizeLogLine } from './error-text.js';

/**
 * The only access to Nest's `Logger`: no text can forge a line, color the terminal or change its direction, and
 * anything that looks like a secret is removed. Pass error messages through `logReason()`.
 */
export class Log {
  readonly #logger: Logger;

  constructor(context: string) {
    this.#logger = new Logger(sanitizeLogLine(context));
  }

  debug(text: string): void {
    this.#logger.debug(logText(text));
  }

  verbose(text: string): void {
    this.#logger.verbose(logText(text));
  }

  log(text: string): void {
    this.#logger.log(logText(text));
  }

  warn(text: string): void {
    this.#logger.warn(logText(text));
  }

  /** @param error its stack is logged; its cause is not */
  error(text: string, ...error: [error?: unknown]): void {
    if (error.length === 0) this.#logger.error(logText(text));
    else this.#logger.error(logText(text), logStack(error[0]));
  }
}
