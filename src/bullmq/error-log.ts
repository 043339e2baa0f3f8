import { logReason } from '../util/error-text.js';
import { Log } from '../util/log.js';

/** How long the same trouble is not logged again, in milliseconds. */
const QUIET_MS = 60_000;

/** Logs what goes wrong with a connection: while a server is away, once a minute. */
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
