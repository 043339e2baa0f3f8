import type { ModelStartEvent } from '../events/event-map.js';
import type { LimitStore, LostReservation } from './limit-store.js';
import type { WindowLength } from './limit-window.js';

/**
 * Whose use is added up: everyone's, each user's, tenant's or model's, or the use of each key that the function
 * returns. Take keys from the authenticated context, never from what a client sends.
 */
export type LimitPer =
  'global' | 'user' | 'tenant' | 'model' | ((event: ModelStartEvent) => string | undefined);

/**
 * A fixed limit, or a function that returns one per call. `Infinity` disables the limit; `0` rejects any billable call.
 */
export type LimitAmount = number | ((event: ModelStartEvent) => number | Promise<number>);

/** A key has reached the threshold of its limit, or the limit rejected one of its calls. */
export interface ThresholdReached {
  /** The user, tenant, model … or `'global'`. */
  key: string;
  /** US dollars, requests or tokens, without the amounts reserved by calls in progress. */
  used: number;
  /** The limit, in the same unit. */
  limit: number;
  /** `used / limit`; 1 for a limit of 0. */
  ratio: number;
  /** Whether a call was rejected; otherwise the threshold was crossed. */
  refused: boolean;
}

/** Common options of `CostLimiter` and `RateLimiter`. */
export interface LimiterOptions {
  /**
   * Limiters with the same store, name and key share one budget.
   * @default the name of the class; a subclass without a name, or whose name a minifier may change, needs a `name`
   * beside its `store`
   */
  name?: string;
  /**
   * Where the limiter counts.
   * @default a `MemoryLimitStore` of its own
   */
  store?: LimitStore;
  /**
   * What happens to a call that does not fit: it is rejected, or waits for its turn in the order of arrival until it is
   * aborted. A call that would wait forever is rejected.
   * @default 'reject'
   */
  mode?: 'reject' | 'wait';
  /**
   * How many calls of a key may wait in this process; further calls are rejected.
   * @default 1_000
   */
  maxQueue?: number;
  /**
   * What happens to a call without a key, for instance without a user if the limit is per user. `'global'` counts all
   * of them together, under the key `'global'`.
   * @default 'refuse'
   */
  onMissingKey?: 'refuse' | 'global';
  /**
   * Called when a key has used the fraction `threshold` of a limit (`refused: false`), and when one of its calls is
   * rejected (`refused: true`): each once per key and window, over all processes. Calls may be rejected below the
   * threshold, because their upper bound does not fit. Awaited; an error that it throws is logged.
   *
   * @example
   * ```ts
   * onThreshold: ({ key, ratio, refused }) =>
   *   console.warn(refused ? `${key}: refused` : `${key}: ${Math.round(ratio * 100)} % are used`)
   * ```
   */
  onThreshold?: (reached: ThresholdReached) => unknown;
  /**
   * The fraction of a limit from which on `onThreshold` is called, above 0 and up to 1.
   * @default 0.8
   */
  threshold?: number;
  /**
   * How many output tokens are reserved for a call without `maxOutputTokens`.
   * @default 4_096
   */
  assumedOutputTokens?: number;
  /**
   * What happens while the store is unavailable: calls are rejected with `LimitStoreUnavailableError` (`'closed'`),
   * allowed (`'open'`), or counted in this process, by the limit divided by `replicas` (`'local'`). Usage of that time
   * is counted when the store is back. If the load was uneven before, `'local'` allows processes to exceed the limit
   * together.
   * @default 'closed'
   */
  onStoreError?: 'open' | 'closed' | 'local';
  /**
   * The number of processes by which `onStoreError: 'local'` divides a limit.
   * @default how many the store has seen in the previous ten minutes
   */
  replicas?: number;
  /**
   * How long the reservations of a process are kept after it died, in milliseconds; renewed while calls are in
   * progress.
   * @default 60_000
   */
  leaseMs?: number;
  /**
   * What happens to the reservations of a process that died, after `leaseMs`: they are released (`'release'`), although
   * the provider may bill those calls, or count as used (`'charge'`), although that may be more than they cost. A limit
   * that must hold in spite of crashes needs `'charge'`.
   * @default 'release'
   */
  onLostReservation?: LostReservation;
}

/** One spending limit. */
export interface CostLimit {
  /** US dollars, up to 9,007,199. */
  maxCost: LimitAmount;
  /** @default 'global' */
  per?: LimitPer;
  /**
   * The period over which spending counts: a calendar period, or a sliding window in milliseconds.
   * @default 'lifetime'
   */
  window?: WindowLength;
  /**
   * Of calendar windows, as `'Europe/Berlin'`.
   * @default 'UTC'
   */
  timeZone?: string;
}

/** Options of `CostLimiter`: one limit, or `limits`. */
export interface CostLimiterOptions extends LimiterOptions, Partial<CostLimit> {
  /** Several limits at once: a call must fit each of them. */
  limits?: CostLimit[];
  /**
   * What happens to a call whose price is unknown: it is rejected, or allowed uncounted.
   * @default 'refuse'
   */
  unknownPrice?: 'refuse' | 'allow';
}

/** Rate limits, each for every period of 60 seconds. */
export interface RateLimit {
  /** Requests to the provider; an SDK's own retries are not counted. */
  requestsPerMinute?: LimitAmount;
  /** Input and output together. */
  tokensPerMinute?: LimitAmount;
  /** @default 'global' */
  per?: LimitPer;
}

/** Options of `RateLimiter`: one or both rates, or `limits`. */
export interface RateLimiterOptions extends LimiterOptions, RateLimit {
  /** Several limits at once: a call must fit each of them. */
  limits?: RateLimit[];
}

/** The options that cannot change after construction. */
export const FIXED_OPTIONS = [
  'name',
  'store',
  'onStoreError',
  'replicas',
  'leaseMs',
  'onLostReservation',
] as const;
type FixedOption = (typeof FIXED_OPTIONS)[number];

/** The options of `update()`. */
export type LimiterChanges<O extends LimiterOptions> = Partial<Omit<O, FixedOption>>;

/** How much of a limit is used. */
export interface LimitUse {
  /** The user, tenant, model …; `'global'` if all use is added up. */
  key: string;
  /** What is counted. */
  unit: 'usd' | 'requests' | 'tokens';
  /** The kind of key: `'global'`, `'user'` …, `'function'`. */
  per: string;
  /** `'day'`, `'lifetime'` …, or the length of a sliding window in milliseconds. */
  window: WindowLength;
  /** US dollars, requests or tokens. */
  used: number;
  /** Reserved by calls in progress. */
  reserved: number;
  /** `null` if a function returns the limit and no call has needed it yet. */
  limit: number | null;
  /** What is neither used nor reserved, at least 0; `null` if `limit` is. */
  remaining: number | null;
  /** When a calendar window ends, in epoch milliseconds. */
  resetsAt?: number;
}

/** The use of the limit that is nearest to exhaustion, and of all limits. */
export interface LimiterUsage extends LimitUse {
  /** All limits of the limiter, in their order. */
  limits: LimitUse[];
}
/** A value with the type's name, because compilers import the types in decorated signatures. */
export const LimiterUsage: object = Object;
