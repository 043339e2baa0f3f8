import type { OnApplicationShutdown } from '@nestjs/common';
import { CallbacksConfigurationError, type CallbackAbort } from '../errors/callbacks-error.js';
import { InterceptLlm, type InterceptedLlmCall, type LlmNext } from '../llm/intercept-llm.js';
import type { LlmStream } from '../llm/llm-stream.js';
import type { LlmChunk, LlmResponse } from '../types/llm.js';
import { Admission } from './admission.js';
import { checkFixed, type LimiterSettings } from './check-limiter.js';
import { Reservations, type Reservation } from './reservations.js';
import { counterKey, GLOBAL } from './limit.js';
import { toStored } from './limit-units.js';
import { limiterName } from './limiter-name.js';
import {
  FIXED_OPTIONS,
  type LimiterChanges,
  type LimiterOptions,
  type LimiterUsage,
} from './limiter-options.js';
import { DESCRIBE_LIMITER, describeLimiter, type LimiterReport } from './limiter-report.js';
import { MemoryLimitStore } from './memory-limit-store.js';
import type { RefusalDetails } from './refusal.js';
import { ThresholdNotices } from './threshold-notices.js';
import { usageOf } from './usage.js';

/** What `CostLimiter` and `RateLimiter` have in common: reserve before each request, settle after it. */
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

  /** The error of a call that does not fit. */
  protected abstract refusal(message: string, details: RefusalDetails): CallbackAbort;

  /**
   * How much of its limits a key has used: in the fields, the one that is nearest to its end; in `limits`, all of them,
   * those for everybody included.
   *
   * @param key the user, tenant, model …; `'global'` for limits for everybody, and for calls without a key
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
   * Forgets what a key has used, in all its limits; calls that are under way are settled as usual. Limits for everybody
   * are reset by `reset()` alone.
   */
  async reset(key: string = GLOBAL): Promise<void> {
    const counters = this.#settings.limits
      .filter(({ per }) => per !== GLOBAL || key === GLOBAL)
      .map((limit) => ({ key: counterKey(limit, key), window: limit.window }));
    if (counters.length > 0) await this.#reservations.reset(counters);
    this.#admission.wake();
  }

  /**
   * Changes limits and other options from the next reservation on, in this process; calls under way are settled as they
   * were made. `name`, `store`, `onStoreError`, `replicas`, `leaseMs` and `onLostReservation` stay.
   *
   * @throws CallbacksConfigurationError and changes nothing, where an option makes no sense
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

  /** Nest calls it where the limiter is a provider, `CallbacksModule` where it is in a list of callbacks. */
  async onApplicationShutdown(): Promise<void> {
    await this.#reservations.close();
  }

  @InterceptLlm({ order: Infinity })
  protected limit(
    call: InterceptedLlmCall,
    next: LlmNext,
  ): Promise<LlmResponse> | AsyncIterable<LlmChunk | LlmResponse> {
    return call.streaming ? this.#stream(call, next) : this.#generate(call, next);
  }

  async #generate(call: InterceptedLlmCall, next: LlmNext): Promise<LlmResponse> {
    const reservation = await this.#enter(call);
    try {
      return await (next() as Promise<LlmResponse>);
    } finally {
      await this.#leave(reservation, call);
    }
  }

  async *#stream(call: InterceptedLlmCall, next: LlmNext): AsyncIterable<LlmChunk | LlmResponse> {
    const reservation = await this.#enter(call);
    let response: LlmResponse;
    try {
      const stream = next() as LlmStream;
      yield* stream;
      response = await stream.response;
    } finally {
      await this.#leave(reservation, call);
    }
    yield response;
  }

  async #enter(call: InterceptedLlmCall): Promise<Reservation> {
    const entering = this.#admission.reserve(call);
    try {
      return await call.pause(entering);
    } catch (error) {
      // The call was aborted, which does not keep the store from granting what it was asked for.
      void entering.then(
        (reservation) => this.#release(reservation),
        () => undefined,
      );
      throw error;
    }
  }

  async #leave(reservation: Reservation, { spent }: InterceptedLlmCall): Promise<void> {
    if (spent.requests === 0) return this.#release(reservation);
    const used = reservation.claims.map(({ source: { unit } }, i) => {
      const amount = unit.spent(spent);
      // What is not known to be less was all of it.
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
