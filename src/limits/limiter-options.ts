import type { LlmStartEvent } from '../events/llm.events.js';
import type { LimitStore, LostReservation } from './limit-store.js';
import type { WindowLength } from './limit-window.js';

/**
 * Whose use is added up: everybody's, each user's, tenant's or model's, or that of each key that the function gives. Keys
 * come from the authenticated context, never from what a client sends.
 */
export type LimitPer =
  'global' | 'user' | 'tenant' | 'model' | ((event: LlmStartEvent) => string | undefined);

/** A limit, or what finds it for a call; `Infinity` counts without a limit, 0 refuses all that costs something. */
export type LimitAmount = number | ((event: LlmStartEvent) => number | Promise<number>);

/** A key has used a good part of its limit, or a call of it was refused. */
export interface ThresholdReached {
  /** The user, tenant, model … or `'global'`. */
  key: string;
  /** US dollars, requests or tokens, without those that are reserved by calls under way. */
  used: number;
  /** The limit, in the same unit. */
  limit: number;
  /** `used / limit`; 1 for a limit of 0. */
  ratio: number;
  /** Whether a call was refused; else the threshold was crossed. */
  refused: boolean;
}

/** What `CostLimiter` and `RateLimiter` have in common. */
export interface LimiterOptions {
  /**
   * Limiters with the same store, name and key share one budget.
   * @default the name of the class; a subclass whose name a minifier may change, or that has none, needs a `name` beside
   * its `store`
   */
  name?: string;
  /**
   * Where is counted.
   * @default a `MemoryLimitStore` of its own
   */
  store?: LimitStore;
  /**
   * What happens to a call that does not fit: it is refused, or waits for its turn, first come first served, until it is
   * aborted. A call that would wait for ever is refused.
   * @default 'reject'
   */
  mode?: 'reject' | 'wait';
  /**
   * How many calls of a key may wait in this process; others are refused.
   * @default 1_000
   */
  maxQueue?: number;
  /**
   * What happens to a call without a key: a user, say, where the limit is per user. `'global'` counts all of them
   * together, under the key `'global'`.
   * @default 'refuse'
   */
  onMissingKey?: 'refuse' | 'global';
  /**
   * Called when a key has used the part `threshold` of a limit (`refused: false`), and when a call of it is refused
   * (`refused: true`): each once per key and window, over all processes. Calls may be refused below the threshold, because
   * what they may need does not fit. Awaited; an error that it throws is logged.
   *
   * @example
   * ```ts
   * onThreshold: ({ key, ratio, refused }) =>
   *   console.warn(refused ? `${key}: refused` : `${key}: ${Math.round(ratio * 100)} % are used`)
   * ```
   */
  onThreshold?: (reached: ThresholdReached) => unknown;
  /**
   * From which part of a limit on `onThreshold` is called, above 0 and up to 1.
   * @default 0.8
   */
  threshold?: number;
  /**
   * How many output tokens are reserved for a call without `maxOutputTokens`.
   * @default 4_096
   */
  assumedOutputTokens?: number;
  /**
   * What happens while the store cannot be used: calls are refused with `LimitStoreUnavailableError` (`'closed'`), let
   * through (`'open'`), or counted in this process, by the limit divided by `replicas` (`'local'`). What was used meanwhile
   * is counted when it is back. Where the load was uneven before, `'local'` lets processes use more than the limit together.
   * @default 'closed'
   */
  onStoreError?: 'open' | 'closed' | 'local';
  /**
   * Among how many processes a limit is divided by `onStoreError: 'local'`.
   * @default how many the store has seen in the ten minutes before
   */
  replicas?: number;
  /**
   * How long what a process has reserved is kept after it died, in milliseconds; it is renewed while calls are under way.
   * @default 60_000
   */
  leaseMs?: number;
  /**
   * What becomes of what a process had reserved that died, after `leaseMs`: it is given back (`'release'`), although the
   * provider may bill those calls, or it counts as used (`'charge'`), although it may be more than they cost. A limit that
   * must hold in spite of crashes needs `'charge'`.
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
   * How long spending counts: a calendar period, or a sliding window in milliseconds.
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
  /** Several limits at once: a call must fit all of them. */
  limits?: CostLimit[];
  /**
   * What happens to a call whose price is not known: it is refused, or let through uncounted.
   * @default 'refuse'
   */
  unknownPrice?: 'refuse' | 'allow';
}

/** Limits of rates, each in every stretch of 60 seconds. */
export interface RateLimit {
  /** Requests to the provider; tries of an SDK's own retries are not counted. */
  requestsPerMinute?: LimitAmount;
  /** Input and output together. */
  tokensPerMinute?: LimitAmount;
  /** @default 'global' */
  per?: LimitPer;
}

/** Options of `RateLimiter`: one or both rates, or `limits`. */
export interface RateLimiterOptions extends LimiterOptions, RateLimit {
  /** Several limits at once: a call must fit all of them. */
  limits?: RateLimit[];
}

/** What a limiter keeps for all its life. */
export const FIXED_OPTIONS = [
  'name',
  'store',
  'onStoreError',
  'replicas',
  'leaseMs',
  'onLostReservation',
] as const;
export type FixedOption = (typeof FIXED_OPTIONS)[number];

/** What `update()` takes. */
export type LimiterChanges<O extends LimiterOptions> = Partial<Omit<O, FixedOption>>;

/** How much of a limit is used. */
export interface LimitUse {
  /** The user, tenant, model … whose use it is; `'global'` where all use is added up. */
  key: string;
  /** What is counted. */
  unit: 'usd' | 'requests' | 'tokens';
  /** Whose key it is: `'global'`, `'user'` …, `'function'`. */
  per: string;
  /** `'day'`, `'lifetime'` …, or the length of a sliding window in milliseconds. */
  window: WindowLength;
  /** US dollars, requests or tokens. */
  used: number;
  /** Reserved by calls under way. */
  reserved: number;
  /** `null` where a function gives the limit and no call has asked for it. */
  limit: number | null;
  /** What is neither used nor reserved, at least 0; `null` where `limit` is. */
  remaining: number | null;
  /** When a calendar window ends, in epoch milliseconds. */
  resetsAt?: number;
}

/** The use of the limit that is nearest to its end, and of all limits. */
export interface LimiterUsage extends LimitUse {
  /** All limits of the limiter, in their order. */
  limits: LimitUse[];
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const LimiterUsage: object = Object;
