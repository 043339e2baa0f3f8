import type { OnApplicationShutdown } from '@nestjs/common';
import {
  BudgetExceededError,
  type CallbackAbort,
  CallbacksConfigurationError,
  RateLimitExceededError,
} from '../errors/callbacks-error.js';
import { type InterceptedModelCall, InterceptModel, type ModelNext } from '../llm/interceptors.js';
import type { LlmStream } from '../llm/llm-stream.js';
import type { ModelResponse } from '../types/llm.js';
import { brand, type Named, nearestName, stableName } from '../util/brand.js';
import { Admission, type RefusalDetails, ThresholdNotices } from './admission.js';
import {
  checkCostLimiter,
  checkFixed,
  checkRateLimiter,
  type LimiterSettings,
} from './check-limiter-options.js';
import { counterKey, GLOBAL, toStored } from './limit.js';
import {
  type CostLimiterOptions,
  FIXED_OPTIONS,
  type LimiterChanges,
  type LimiterOptions,
  type LimiterUsage,
  type LimitUse,
  type RateLimiterOptions,
} from './limiter-options.js';
import { MemoryLimitStore } from './memory-limit-store.js';
import { usageOf } from './reservation-amounts.js';
import { type Reservation, Reservations } from './reservations.js';

/** Marks the method that describes a limiter, so that a second copy of the package is recognised too. */
export const DESCRIBE_LIMITER: unique symbol = Symbol.for('nestjs-llm-callbacks:describe-limiter');

/** One limit, as `callbacks.report()` shows it. */
export interface LimitReport extends Pick<LimitUse, 'unit' | 'per' | 'window'> {
  /** US dollars, requests or tokens; `null` if a function returns it for each call. */
  readonly limit: number | null;
}

/** A `CostLimiter` or `RateLimiter`, as `callbacks.report()` shows it. */
export interface LimiterReport {
  /** Its `name`. */
  readonly name: string;
  /** What happens to a call that does not fit. */
  readonly mode: 'reject' | 'wait';
  readonly limits: readonly LimitReport[];
}

/** An object that describes itself as a limiter. */
interface DescribedLimiter {
  [DESCRIBE_LIMITER](): LimiterReport;
}

/** Whether an object is a limiter, of this copy of the package or of another. */
export function isLimiter(target: object): target is DescribedLimiter {
  return typeof (target as Partial<DescribedLimiter>)[DESCRIBE_LIMITER] === 'function';
}

/** The base of `CostLimiter` and `RateLimiter`: reserves before each request, settles after it. */
export abstract class Limiter<O extends LimiterOptions> implements OnApplicationShutdown {
  readonly #name: string;
  readonly #reservations: Reservations;
  readonly #admission: Admission;
  readonly #check: (options: O) => LimiterSettings;
  #options: O;
  #settings: LimiterSettings;

  constructor(options: O, check: (options: O) => LimiterSettings) {
    this.#check = check;
    this.#options = options;
    this.#settings = check(options);
    checkFixed(options);
    const { store = new MemoryLimitStore(), replicas } = options;
    const name = limiterName(options, this.constructor);
    const { onStoreError = 'closed', leaseMs = 60_000, onLostReservation = 'release' } = options;
    this.#name = name;
    const fixed = { name, store, onStoreError, leaseMs, onLostReservation };
    const settings = () => this.#settings;
    const notices = new ThresholdNotices(name, settings, () => this.#reservations);
    this.#reservations = new Reservations(
      { ...fixed, ...(replicas !== undefined && { replicas }) },
      (claim, used) => notices.reached(claim, used),
    );
    this.#admission = new Admission({
      name,
      reservations: this.#reservations,
      notices,
      settings,
      refusal: (message, details) => this.refusal(message, details),
    });
  }

  /** Creates the error of a call that does not fit. */
  protected abstract refusal(message: string, details: RefusalDetails): CallbackAbort;

  /**
   * Returns how much of its limits a key has used: the fields describe the limit that is nearest to exhaustion,
   * `limits` all of them, global limits included.
   *
   * @param key the user, tenant, model …; `'global'` for global limits, and for calls without a key
   */
  async usage(key: string = GLOBAL): Promise<LimiterUsage> {
    const { limits } = this.#settings;
    const owners = limits.map(({ per }) => (per === GLOBAL ? GLOBAL : key));
    const counters = limits.map((limit, i) => ({
      key: counterKey(limit, owners[i]!),
      window: limit.window,
    }));
    return usageOf(limits, owners, await this.#reservations.usage(counters));
  }

  /**
   * Resets what a key has used, in all its limits; calls in progress are settled as usual. Only `reset()` resets global
   * limits.
   */
  async reset(key: string = GLOBAL): Promise<void> {
    const counters = this.#settings.limits
      .filter(({ per }) => per !== GLOBAL || key === GLOBAL)
      .map((limit) => ({ key: counterKey(limit, key), window: limit.window }));
    if (counters.length > 0) await this.#reservations.reset(counters);
    this.#admission.wake();
  }

  /**
   * Changes limits and other options in this process, from the next reservation on; calls in progress are settled under
   * the options of their reservation. `name`, `store`, `onStoreError`, `replicas`, `leaseMs` and `onLostReservation`
   * stay.
   *
   * @throws CallbacksConfigurationError and changes nothing, if an option is invalid
   */
  update(changes: LimiterChanges<O>): void {
    const fixed = FIXED_OPTIONS.find((name) => name in changes);
    if (fixed !== undefined) {
      throw new CallbacksConfigurationError(`${this.#name}.update() cannot change ${fixed}.`);
    }
    const options = { ...this.#options, ...changes };
    this.#settings = this.#check(options);
    this.#options = options;
    this.#admission.wake();
  }

  /** @internal */
  [DESCRIBE_LIMITER](): LimiterReport {
    return describeLimiter(this.#name, this.#settings);
  }

  /** Called by Nest if the limiter is a provider, by `CallbacksModule` if it is in a list of callbacks. */
  async onApplicationShutdown(): Promise<void> {
    await this.#reservations.close();
  }

  @InterceptModel({ order: Infinity })
  protected limit(call: InterceptedModelCall, next: ModelNext): Promise<ModelResponse | LlmStream> {
    return call.streaming ? this.#stream(call, next) : this.#whole(call, next);
  }

  async #whole(call: InterceptedModelCall, next: ModelNext): Promise<ModelResponse> {
    const reservation = await this.#enter(call);
    try {
      return await (next() as Promise<ModelResponse>);
    } finally {
      await this.#leave(reservation, call);
    }
  }

  async #stream(call: InterceptedModelCall, next: ModelNext): Promise<LlmStream> {
    const reservation = await this.#enter(call);
    const stream = next() as LlmStream;
    stream.onComplete(() => this.#leave(reservation, call));
    return stream;
  }

  async #enter(call: InterceptedModelCall): Promise<Reservation> {
    const entering = this.#admission.reserve(call);
    try {
      return await call.pause(entering);
    } catch (error) {
      // The call was aborted, but the store may still grant the reservation.
      void entering.then(
        (reservation) => this.#release(reservation),
        () => undefined,
      );
      throw error;
    }
  }

  async #leave(reservation: Reservation, { spent }: InterceptedModelCall): Promise<void> {
    if (spent.requests === 0) return this.#release(reservation);
    const used = reservation.claims.map(({ source: { unit } }, i) => {
      const amount = unit.spent(spent);
      // An unknown amount settles at the whole reservation.
      return amount === undefined ? reservation.amounts[i]! : toStored(unit, amount);
    });
    await this.#reservations.settle(reservation, used);
    this.#admission.wake();
  }

  async #release(reservation: Reservation): Promise<void> {
    await this.#reservations.release(reservation);
    this.#admission.wake();
  }
}

/**
 * Returns the name of a limiter, by which its store identifies its counters.
 *
 * @param type the class of the limiter
 * @throws CallbacksConfigurationError if a store is given, and the name of the class is not the same in every build
 */
function limiterName({ name, store }: LimiterOptions, type: Named): string {
  const found = name ?? stableName(type);
  if (found !== undefined) return found;
  if (store === undefined) return nearestName(type);
  const which =
    type.name === ''
      ? 'which has no name'
      : `whose name "${type.name}" is not the same in every build`;
  throw new CallbacksConfigurationError(
    `Options of a limiter: name is missing. Its store counts by the name of the limiter, and it is of a class ${which}. Give it one: { name: 'user-budget', store }.`,
  );
}

/** Describes a limiter by its settings, without keys and used amounts. */
function describeLimiter(name: string, { mode, limits }: LimiterSettings): LimiterReport {
  return {
    name,
    mode,
    limits: limits.map(({ unit, per, length, amount }) => ({
      unit: unit.id,
      per: typeof per === 'function' ? 'function' : per,
      window: length,
      limit: typeof amount === 'function' ? null : amount,
    })),
  };
}

/**
 * Rejects calls that would cost more than a budget has left, with `BudgetExceededError`. The upper bound of a request's
 * cost is reserved before the request is sent, and settled at the actual cost, however the request ends. Cached answers
 * cost nothing, and each request of a fallback is reserved separately.
 *
 * With `maxOutputTokens` the budget is never exceeded. Without it, a request may cost more than was reserved: its
 * answer is still returned, and the next call is rejected.
 *
 * Add it to any list of `callbacks`, or provide it as `{ provide: CostLimiter, useValue: new CostLimiter({ … }) }`.
 *
 * @throws CallbacksConfigurationError for invalid options
 *
 * @example
 * ```ts
 * new CostLimiter({ maxCost: 1, per: 'user', window: 'day', timeZone: 'Europe/Berlin', store });
 * ```
 */
export class CostLimiter extends Limiter<CostLimiterOptions> {
  static {
    brand(this, 'class:CostLimiter');
  }

  constructor(options: CostLimiterOptions) {
    super(options, checkCostLimiter);
  }

  protected refusal(message: string, { retryAfterMs: _, ...details }: RefusalDetails) {
    return new BudgetExceededError(message, details);
  }
}

/**
 * Keeps the rate of requests and of tokens below a limit: calls above it are rejected with `RateLimitExceededError`, or
 * wait for their turn. The tokens of a request are reserved before the request is sent, and settled at the actual
 * usage, however the request ends.
 *
 * Add it to any list of `callbacks`, or provide it as `{ provide: RateLimiter, useValue: new RateLimiter({ … }) }`.
 *
 * @throws CallbacksConfigurationError for invalid options
 *
 * @example
 * ```ts
 * new RateLimiter({ requestsPerMinute: 500, tokensPerMinute: 200_000, per: 'model', mode: 'wait', store });
 * ```
 */
export class RateLimiter extends Limiter<RateLimiterOptions> {
  static {
    brand(this, 'class:RateLimiter');
  }

  constructor(options: RateLimiterOptions) {
    super(options, checkRateLimiter);
  }

  protected refusal(message: string, details: RefusalDetails) {
    return new RateLimitExceededError(message, details);
  }
}
