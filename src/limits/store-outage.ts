import { Log, logReason } from '../util/log.js';
import type { LimitSettlement } from './limit-store.js';
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

const MAX_KEPT = 10_000;
/** How many settlements are sent at once. */
const BATCH = 100;

/** Settlements that the store could not take, kept until it can. */
export class Outbox<S extends LimitSettlement> {
  readonly #kept = new Map<string, S>();
  #lost = 0;
  #sending: Promise<void> | undefined;

  constructor(private readonly send: (settlement: S) => Promise<void>) {}

  get size(): number {
    return this.#kept.size;
  }

  /** Keeps a settlement; drops the oldest one when there are too many. */
  add(settlement: S): void {
    this.#kept.set(settlement.id, settlement);
    if (this.#kept.size <= MAX_KEPT) return;
    const [oldest] = this.#kept.keys();
    this.#kept.delete(oldest!);
    this.#lost++;
  }

  /** Returns how many were lost since the last call. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  /** Sends all of them; fails with the store's error. */
  async flush(): Promise<void> {
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = undefined));
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    // The first one is sent alone: most often the store is still unavailable.
    for (let size = 1; this.#kept.size > 0; size = BATCH) {
      await Promise.all(this.#first(size).map((settlement) => this.#sendOne(settlement)));
    }
  }

  async #sendOne(settlement: S): Promise<void> {
    await this.send(settlement);
    this.#kept.delete(settlement.id);
  }

  #first(count: number): S[] {
    const batch: S[] = [];
    for (const settlement of this.#kept.values()) if (batch.push(settlement) === count) break;
    return batch;
  }
}

const ADVICE_INTERVAL_MS = 60_000;

/** Logs a limiter's advice to the application's developers, at most once a minute: every call may need the same. */
export class AdviceLog {
  readonly #logger: Log;
  #loggedAt = -ADVICE_INTERVAL_MS;

  constructor(limiter: string) {
    this.#logger = new Log(limiter);
  }

  log(advice: string): void {
    const now = performance.now();
    if (now - this.#loggedAt < ADVICE_INTERVAL_MS) return;
    this.#loggedAt = now;
    this.#logger.error(advice);
  }
}
