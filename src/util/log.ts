import { Logger } from '@nestjs/common';
import { logStack, logText } from './error-text.js';
import { sanitizeLogLine } from './log-text.js';

/**
 * The only way to Nest's `Logger`: no text can forge a line, colour the terminal or turn its direction, and what looks
 * like a secret is left out. Messages of errors come by `logReason()`.
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

  /** @param error its stack follows; its cause does not */
  error(text: string, ...error: [error?: unknown]): void {
    if (error.length === 0) this.#logger.error(logText(text));
    else this.#logger.error(logText(text), logStack(error[0]));
  }
}
