import type { LimitSettlement } from './limit-store.js';

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
