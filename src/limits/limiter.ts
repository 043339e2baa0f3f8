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
      // The call was aborted, but the store may still grant the reservation.
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
