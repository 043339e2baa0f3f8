import { logReason } from '../util/error-text.js';
import { Log } from '../util/log.js';

/** How long the same error is not logged again, in milliseconds. */
const QUIET_MS = 60_000;

/** Logs connection errors, at most once a minute while a server is down. */
export class ErrorLog {
  readonly #logger = new Log('BullmqJobQueue');
  #last: { readonly message: string; readonly at: number } | undefined;

  readonly log = (error: unknown): void => {
    const message = logReason(error) || (error as Error).name;
    const at = performance.now();
    if (this.#last?.message === message && at - this.#last.at < QUIET_MS) return;
    this.#last = { message, at };
    this.#logger.warn(message);
  };
}
