import { Log } from '../util/log.js';

const QUIET_MS = 60_000;

/** Logs a limiter's advice to the application's developers, at most once a minute: every call may need the same. */
export class AdviceLog {
  readonly #logger: Log;
  #loggedAt = -QUIET_MS;

  constructor(limiter: string) {
    this.#logger = new Log(limiter);
  }

  log(advice: string): void {
    const now = performance.now();
    if (now - this.#loggedAt < QUIET_MS) return;
    this.#loggedAt = now;
    this.#logger.error(advice);
  }
}
