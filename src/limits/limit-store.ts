import type { LimitWindow } from './limit-window.js';

/** Something that is counted: the use of one key in one window. */
export interface LimitCounter {
  /** Made of the limit's unit and key by a limiter; short, printable, without braces. */
  readonly key: string;
  readonly window: LimitWindow;
}

/** A part of a reservation: so much of one counter. Amounts are whole numbers up to `Number.MAX_SAFE_INTEGER`. */
export interface LimitClaim extends LimitCounter {
  readonly amount: number;
  /** What may be used and reserved together. */
  readonly limit: number;
  /** Whether less than `amount` will do, as long as there is something left. */
  readonly elastic: boolean;
  /** Whether the call needs more than the whole limit for certain: it is refused, whatever is left. */
  readonly neverFits?: boolean;
}

/**
 * What becomes of a reservation whose lease is over: it is given back (`'release'`), or counts as used (`'charge'`).
 */
export type LostReservation = 'release' | 'charge';

/** What a limiter asks for before a call. */
export interface ReserveRequest {
  /** The limiter's name: all counters of a request belong to it. */
  readonly group: string;
  /** A reservation that is made again under its id is made once. */
  readonly id: string;
  /** How long it is kept unless it is renewed or settled, in milliseconds. */
  readonly leaseMs: number;
  /** @default 'release' */
  readonly onLost?: LostReservation;
  /** Which limiter of which process asks. */
  readonly instance: string;
  readonly claims: readonly LimitClaim[];
}

/** All claims are reserved. */
export interface LimitGrant {
  readonly granted: true;
  /** When, by the store's clock, in epoch milliseconds: this decides in which bucket it is settled. */
  readonly at: number;
  /** What was reserved for each claim. */
  readonly amounts: readonly number[];
  /** How many limiters of this group have asked in the last ten minutes, this one included. */
  readonly replicas: number;
}

/** Nothing is reserved. */
export interface LimitRefusal {
  readonly granted: false;
  /** The index of the claim that did not fit; of several, one that never fits, or the one that has to wait longest. */
  readonly claim: number;
  readonly used: number;
  readonly reserved: number;
  /** When it would fit if everything reserved were used, in milliseconds; absent where it never would. */
  readonly retryAfterMs?: number;
}

/** A reservation that was granted, as it is settled or renewed. */
export interface HeldReservation {
  readonly group: string;
  readonly id: string;
  /** {@link LimitGrant.at}. */
  readonly at: number;
  /** {@link ReserveRequest.onLost}; given when it is renewed. */
  readonly onLost?: LostReservation;
  readonly claims: readonly HeldClaim[];
}

export interface HeldClaim extends LimitCounter {
  /** What was reserved. */
  readonly amount: number;
}

/** What was really used in place of what was reserved; zeros release it. */
export interface LimitSettlement extends HeldReservation {
  readonly claims: readonly SettledClaim[];
}

export interface SettledClaim extends HeldClaim {
  readonly used: number;
  readonly limit: number;
  /** The amount from which on it is told; each counter remembers for the length of its window that it was. */
  readonly tellFrom?: number;
}

/** A counter as it is now. */
export interface CounterState {
  readonly used: number;
  /** Reserved by calls under way. */
  readonly reserved: number;
  /** The limit of the last reservation, where there was one. */
  readonly limit?: number;
}

/** A settlement was the first in its window to reach `tellFrom` of a claim. */
export interface ReachedLimit {
  /** The index of the claim. */
  readonly claim: number;
  /** What is used by now. */
  readonly used: number;
}

/**
 * Where limiters count. `MemoryLimitStore` counts in the process, `RedisLimitStore` of `nestjs-llm-callbacks/redis` for
 * many; another one is an object that implements this.
 *
 * Each method is atomic. `reserve` grants a claim when `used + reserved + amount <= limit`, and also:
 * - an `elastic` claim gets what is left, if there is something left;
 * - an amount above the whole limit gets the limit, if nothing is used or reserved, unless the claim `neverFits`.
 *
 * All claims are granted, or none. `reserve`, `settle` and `renew` may be repeated under one id, in any order and until
 * ten minutes after it was settled, and act once: what was settled stays so. A reservation whose lease is over counts no
 * longer, or with `onLost: 'charge'` as used. Settled after that, what was used is counted all the same, in place of what
 * was charged; renewed, it is reserved again.
 *
 * What rejects is taken as "the store is away": see `onStoreError` of the limiters.
 */
export interface LimitStore {
  reserve(request: ReserveRequest): Promise<LimitGrant | LimitRefusal>;
  /** Whose `tellFrom` is to be told. */
  settle(settlement: LimitSettlement): Promise<readonly ReachedLimit[]>;
  renew(held: readonly HeldReservation[], leaseMs: number): Promise<void>;
  usage(group: string, counters: readonly LimitCounter[]): Promise<readonly CounterState[]>;
  /** Forgets what was used; what is reserved stays so, and is settled as usual. */
  reset(group: string, counters: readonly LimitCounter[]): Promise<void>;
  /**
   * Notes that a call was refused by a counter. Resolves to whether it was the first one in the counter's window, and since
   * the last reset. Without this method, `onThreshold` is called for the first refusal in each process.
   */
  markRefused?(group: string, counter: LimitCounter): Promise<boolean>;
  /**
   * Called when a limiter's application shuts down: closes what the store itself has opened. Other limiters may use the
   * store afterwards, and close it again.
   */
  close?(): Promise<void>;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const LimitStore: object = Object;
