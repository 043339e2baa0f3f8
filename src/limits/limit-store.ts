import type { LimitWindow } from './limit-window.js';

/** A counter: the use of one key in one window. */
export interface LimitCounter {
  /** Built by a limiter from the limit's unit and the key; short, printable, without braces. */
  readonly key: string;
  readonly window: LimitWindow;
}

/** A part of a reservation: an amount of one counter. Amounts are whole numbers up to `Number.MAX_SAFE_INTEGER`. */
export interface LimitClaim extends LimitCounter {
  readonly amount: number;
  /** The maximum of the used and reserved amounts together. */
  readonly limit: number;
  /** Whether less than `amount` is enough, as long as something is left. */
  readonly elastic: boolean;
  /** Whether the call certainly needs more than the whole limit: it is rejected, whatever is left. */
  readonly neverFits?: boolean;
}

/**
 * What happens to a reservation whose lease has expired: it is released (`'release'`), or counts as used (`'charge'`).
 */
export type LostReservation = 'release' | 'charge';

/** What a limiter reserves before a call. */
export interface ReserveRequest {
  /** The limiter's name: all counters of a request belong to it. */
  readonly group: string;
  /** A repeated reservation with the same id is reserved once. */
  readonly id: string;
  /** How long the reservation is kept unless it is renewed or settled, in milliseconds. */
  readonly leaseMs: number;
  /** @default 'release' */
  readonly onLost?: LostReservation;
  /** Identifies the limiter and its process. */
  readonly instance: string;
  readonly claims: readonly LimitClaim[];
}

/** Every claim is reserved. */
export interface LimitGrant {
  readonly granted: true;
  /** When, by the store's clock, in epoch milliseconds: determines the bucket in which it is settled. */
  readonly at: number;
  /** The amount reserved for each claim. */
  readonly amounts: readonly number[];
  /** How many limiters of this group have called the store in the last ten minutes, this one included. */
  readonly replicas: number;
}

/** Nothing is reserved. */
export interface LimitRefusal {
  readonly granted: false;
  /** The index of the claim that did not fit; of several, one that never fits, or the one with the longest wait. */
  readonly claim: number;
  readonly used: number;
  readonly reserved: number;
  /** When it would fit if everything reserved were used, in milliseconds; absent if it never fits. */
  readonly retryAfterMs?: number;
}

/** A granted reservation, as it is settled or renewed. */
export interface HeldReservation {
  readonly group: string;
  readonly id: string;
  /** {@link LimitGrant.at}. */
  readonly at: number;
  /** {@link ReserveRequest.onLost}; given on renewal. */
  readonly onLost?: LostReservation;
  readonly claims: readonly HeldClaim[];
}

export interface HeldClaim extends LimitCounter {
  /** The reserved amount. */
  readonly amount: number;
}

/** What was actually used in place of the reserved amounts; zeros release the reservation. */
export interface LimitSettlement extends HeldReservation {
  readonly claims: readonly SettledClaim[];
}

export interface SettledClaim extends HeldClaim {
  readonly used: number;
  readonly limit: number;
  /** The amount from which on a settlement is reported, once in the window of each counter. */
  readonly tellFrom?: number;
}

/** The current state of a counter. */
export interface CounterState {
  readonly used: number;
  /** Reserved by calls in progress. */
  readonly reserved: number;
  /** The limit of the last reservation, if there was one. */
  readonly limit?: number;
}

/** A settlement was the first in its window to reach `tellFrom` of a claim. */
export interface ReachedLimit {
  /** The index of the claim. */
  readonly claim: number;
  /** The amount used so far. */
  readonly used: number;
}

/**
 * Where limiters count. `MemoryLimitStore` counts in the process, `RedisLimitStore` of `nestjs-llm-callbacks/redis`
 * across processes; implement this interface for another store, and prove it with `describeLimitStore()` of
 * `nestjs-llm-callbacks/testing`.
 *
 * Each method is atomic, also across processes that share the data. Groups, keys and windows are counted separately.
 * `reserve`, `settle` and `renew` may be repeated with the same id, in any order and until ten minutes after
 * settlement, and act once: a settled reservation stays settled.
 *
 * A rejected promise means that the store is unavailable: see `onStoreError` of the limiters.
 */
export interface LimitStore {
  /**
   * Grants every claim, or none. A claim is granted when `used + reserved + amount <= limit`, and also:
   * - an `elastic` claim gets what is left, if anything is left;
   * - an amount above the whole limit gets the limit, if nothing is used or reserved, unless the claim `neverFits`;
   * - an amount of 0 always.
   *
   * Of several claims that do not fit, the rejection names one that never fits, or else the one with the longest wait;
   * `retryAfterMs` is the time until enough use has left its window.
   *
   * A reservation whose lease has expired no longer counts, or counts as used with `onLost: 'charge'`. After its
   * settlement, a repeated request reserves nothing; it may reject.
   */
  reserve(request: ReserveRequest): Promise<LimitGrant | LimitRefusal>;
  /**
   * Replaces the reserved amounts by the used ones, also above the limit, in the bucket in which they were reserved. If
   * the lease had expired, the used amounts are still counted, in place of charged ones. Resolves to the claims whose
   * `tellFrom` is reached, each once in the window of its counter and again after a reset.
   */
  settle(settlement: LimitSettlement): Promise<readonly ReachedLimit[]>;
  /** Extends the leases. A reservation whose lease had expired is reserved again; a settled one is not. */
  renew(held: readonly HeldReservation[], leaseMs: number): Promise<void>;
  /** The state of each counter, in the order of `counters`; nothing is used or reserved of an unknown one. */
  usage(group: string, counters: readonly LimitCounter[]): Promise<readonly CounterState[]>;
  /** Forgets the used amounts; reserved amounts stay reserved, and are settled as usual. */
  reset(group: string, counters: readonly LimitCounter[]): Promise<void>;
  /**
   * Records that a counter rejected a call. Resolves to whether it is the first rejection in the counter's window since
   * the last reset. Without this method, `onThreshold` is called for the first rejection in each process.
   */
  markRefused?(group: string, counter: LimitCounter): Promise<boolean>;
  /**
   * Called when a limiter's application shuts down: closes what the store itself has opened. Other limiters may still
   * use the store afterwards, and close it again. What a server has stored remains.
   */
  close?(): Promise<void>;
}
/** A value with the type's name, because compilers import the types in decorated signatures. */
export const LimitStore: object = Object;
