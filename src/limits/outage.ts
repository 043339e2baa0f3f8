import { logReason } from '../util/error-text.js';
import { Log } from '../util/log.js';
import type { LimiterOptions } from './limiter-options.js';

/** The minimum time between two log entries, for a store that keeps failing and recovering. */
const QUIET_MS = 60_000;
const POLICIES = {
  closed: 'are refused',
  open: 'are let through',
  local: 'are counted in this process',
};

/** Tracks whether a limiter's store is available, and logs each outage once. */
export class Outage {
  readonly #logger: Log;
  #failures = 0;
  #isLogged = false;
  #loggedAt = -QUIET_MS;

  constructor(
    private readonly name: string,
    private readonly policy: NonNullable<LimiterOptions['onStoreError']>,
  ) {
    this.#logger = new Log(name);
  }

  /** Called when the store has failed. */
  readonly note = (error: unknown): void => {
    if (this.#failures++ > 0) return;
    this.#isLogged = performance.now() - this.#loggedAt >= QUIET_MS;
    if (!this.#isLogged) return;
    this.#loggedAt = performance.now();
    this.#warn(`cannot be used; until it can, calls ${POLICIES[this.policy]}: ${logReason(error)}`);
  };

  /** Called when the store has answered; `lost` settlements were dropped during the outage. */
  over(lost: number): void {
    if (this.#failures === 0) return;
    const missing = lost > 0 ? ` What ${lost} calls used is not counted.` : '';
    if (this.#isLogged || lost > 0) {
      this.#warn(`can be used again; ${this.#failures} times it could not.${missing}`);
    }
    this.#failures = 0;
  }

  #warn(what: string): void {
    this.#logger.warn(`The store of ${this.name} ${what}`);
  }
}
