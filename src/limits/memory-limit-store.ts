import { brand } from '../util/brand.js';
import type {
  CounterState,
  HeldReservation,
  LimitClaim,
  LimitCounter,
  LimitGrant,
  LimitRefusal,
  LimitSettlement,
  LimitStore,
  ReachedLimit,
  ReserveRequest,
} from './limit-store.js';
import { MemoryCounter, RefusalMarks, REMEMBERED_MS, SettledIds } from './memory-counter.js';

export interface MemoryLimitStoreOptions {
  /**
   * How many keys are counted at once; a key whose window has ended frees its place. Beyond that, a new key is
   * rejected: see `onStoreError` of the limiters.
   * @default 100_000
   */
  maxKeys?: number;
  /** The time in epoch milliseconds; for tests. @default Date.now */
  now?: () => number;
}

/** How many unsettled reservations are remembered. */
const MAX_OPEN = 100_000;
/** How many counters each reservation checks, to drop expired ones. */
const SWEEP = 4;

/**
 * Counts in the memory of this process: the default store of a limiter. Limiters that share one store share budgets by
 * name and key.
 *
 * @example
 * ```ts
 * const store = new MemoryLimitStore();
 * const perUser = new CostLimiter({ maxCost: 1, per: 'user', window: 'day', store });
 * ```
 */
export class MemoryLimitStore implements LimitStore {
  static {
    brand(this, 'class:MemoryLimitStore');
  }

  readonly #maxKeys: number;
  readonly #now: () => number;
  readonly #counters = new Map<string, MemoryCounter>();
  #sweeping = this.#counters.entries();
  /** Unsettled reservations, and until when they are remembered. */
  readonly #open = new Map<string, { readonly grant: LimitGrant; readonly until: number }>();
  readonly #settled = new SettledIds();
  readonly #refused = new RefusalMarks();

  constructor({ maxKeys = 100_000, now = Date.now }: MemoryLimitStoreOptions = {}) {
    this.#maxKeys = maxKeys;
    this.#now = now;
  }

  async reserve(request: ReserveRequest): Promise<LimitGrant | LimitRefusal> {
    const now = this.#now();
    const { group, id, leaseMs, onLost, claims } = request;
    this.#forget(now);
    const known = this.#open.get(id);
    if (known !== undefined) return known.grant;
    if (this.#settled.has(id)) throw new Error('The reservation was settled before it was made.');
    const counters = claims.map((claim) => this.#counter(group, claim, now));
    const fits = claims.map((claim, i) => counters[i]!.fit(claim, now));
    const refusal = longestWait(claims, fits);
    if (refusal !== undefined) return refusal;
    const amounts = fits as number[];
    for (const [i, { limit }] of claims.entries()) {
      const held = { amount: amounts[i]!, at: now, until: now + leaseMs, onLost };
      counters[i]!.hold(id, held, limit);
    }
    const grant = { granted: true, at: now, amounts, replicas: 1 } as const;
    this.#open.set(id, { grant, until: now + leaseMs + REMEMBERED_MS });
    return grant;
  }

  async settle({ group, id, at, claims }: LimitSettlement): Promise<readonly ReachedLimit[]> {
    if (this.#settled.has(id)) return [];
    const now = this.#now();
    const counters = claims.map((claim) => this.#counter(group, claim, now));
    this.#open.delete(id);
    this.#settled.add(id, now);
    return counters.flatMap((counter, claim) => {
      const used = counter.settle(id, claims[claim]!, at, now);
      return used === undefined ? [] : [{ claim, used }];
    });
  }

  async renew(held: readonly HeldReservation[], leaseMs: number): Promise<void> {
    const now = this.#now();
    for (const { group, id, at, onLost, claims } of held) {
      if (this.#settled.has(id)) continue;
      const known = this.#open.get(id);
      if (known !== undefined) {
        this.#open.delete(id);
        this.#open.set(id, { ...known, until: now + leaseMs + REMEMBERED_MS });
      }
      for (const claim of claims) {
        const { amount } = claim;
        const until = now + leaseMs;
        this.#counter(group, claim, now).keep(id, { amount, at, until, onLost }, now);
      }
    }
  }

  async usage(group: string, counters: readonly LimitCounter[]): Promise<readonly CounterState[]> {
    const now = this.#now();
    return counters.map((counter) => {
      const found = this.#counters.get(nameOf(group, counter));
      if (found === undefined) return { used: 0, reserved: 0 };
      found.prune(now);
      return found.state();
    });
  }

  async reset(group: string, counters: readonly LimitCounter[]): Promise<void> {
    const now = this.#now();
    for (const counter of counters) {
      this.#counters.get(nameOf(group, counter))?.reset(now);
      this.#refused.forget(group, counter);
    }
  }

  async markRefused(group: string, counter: LimitCounter): Promise<boolean> {
    return this.#refused.first(group, counter, this.#now());
  }

  #counter(group: string, { key, window }: LimitCounter, now: number): MemoryCounter {
    const name = nameOf(group, { key, window });
    let counter = this.#counters.get(name);
    if (counter === undefined) {
      if (this.#counters.size >= this.#maxKeys) {
        throw new Error(
          `MemoryLimitStore counts ${this.#maxKeys} keys already; give it more maxKeys, or use RedisLimitStore.`,
        );
      }
      counter = new MemoryCounter(window);
      this.#counters.set(name, counter);
    }
    counter.prune(now);
    return counter;
  }

  /** Frees memory, a little with each reservation. */
  #forget(now: number): void {
    for (let i = 0; i < SWEEP; i++) {
      const { value, done } = this.#sweeping.next();
      if (done) {
        this.#sweeping = this.#counters.entries();
        break;
      }
      if (!value[1].prune(now)) this.#counters.delete(value[0]);
    }
    for (const [id, { until }] of this.#open) {
      if (until > now && this.#open.size <= MAX_OPEN) break;
      this.#open.delete(id);
    }
    this.#settled.forget(now);
  }
}

function nameOf(group: string, { key, window }: LimitCounter): string {
  return `${group}\n${key}\n${window.id}`;
}

/** Of the claims that do not fit, returns one that never fits, or the one with the longest wait. */
function longestWait(
  claims: readonly LimitClaim[],
  fits: readonly (number | Omit<LimitRefusal, 'granted' | 'claim'>)[],
): LimitRefusal | undefined {
  let longest: LimitRefusal | undefined;
  for (const [claim, fit] of fits.entries()) {
    if (typeof fit === 'number') continue;
    if (claims[claim]!.neverFits) return { granted: false, claim, ...fit };
    const wait = fit.retryAfterMs ?? Infinity;
    if (longest === undefined || wait > (longest.retryAfterMs ?? Infinity)) {
      longest = { granted: false, claim, ...fit };
    }
  }
  return longest;
}
