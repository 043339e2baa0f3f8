import type { OnApplicationShutdown } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import { CallbacksConfigurationError, type CallbackAbort } from '../errors/index.js';
import {
  InterceptLlm,
  type InterceptedLlmCall,
  type LlmNext,
  type LlmStream,
} from '../llm/index.js';
import type { LlmChunk, LlmResponse } from '../shapes/index.js';
import { messageOf } from '../text.js';
import { checkFixed, type LimiterSettings } from './check-limiter.js';
import { claimsOf } from './claims.js';
import { Ledger, type Ticket } from './ledger.js';
import { counterKey, GLOBAL, type CallClaim } from './limit.js';
import { fromStored, toStored } from './limit-units.js';
import type { LimitRefusal } from './limit-store.js';
import {
  FIXED_OPTIONS,
  type LimiterChanges,
  type LimiterOptions,
  type LimiterUsage,
} from './limiter-options.js';
import { MemoryLimitStore } from './memory-limit-store.js';
import { describeRefusal, type RefusalDetails } from './refusal.js';
import { usageOf } from './usage.js';
import { WaitingLines } from './waiting-lines.js';

/** What `CostLimiter` and `RateLimiter` have in common: reserve before each request, settle after it. */
export abstract class Limiter<O extends LimiterOptions> implements OnApplicationShutdown {
  readonly #name: string;
  readonly #logger: Logger;
  readonly #ledger: Ledger;
  readonly #lines = new WaitingLines();
  readonly #check: (options: O) => LimiterSettings;
  #options: O;
  #settings: LimiterSettings;

  constructor(options: O, check: (options: O) => LimiterSettings) {
    this.#check = check;
    this.#options = options;
    this.#settings = check(options);
    checkFixed(options);
    const { name = this.constructor.name, store = new MemoryLimitStore(), replicas } = options;
    const { onStoreError = 'closed', leaseMs = 60_000 } = options;
    this.#name = name;
    this.#logger = new Logger(name);
    this.#ledger = new Ledger(
      { name, store, onStoreError, leaseMs, ...(replicas !== undefined && { replicas }) },
      (claim, used) => this.#tell(claim, used),
    );
  }

  /** The error of a call that is refused. */
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
    return usageOf(limits, owners, await this.#ledger.usage(counters));
  }

  /**
   * Forgets what a key has used, in all its limits; calls that are under way are settled as usual. Limits for everybody
   * are reset by `reset()` alone.
   */
  async reset(key: string = GLOBAL): Promise<void> {
    const counters = this.#settings.limits
      .filter(({ per }) => per !== GLOBAL || key === GLOBAL)
      .map((limit) => ({ key: counterKey(limit, key), window: limit.window }));
    if (counters.length > 0) await this.#ledger.reset(counters);
    this.#lines.wake();
  }

  /**
   * Changes limits and other options from the next reservation on, in this process; calls under way are settled as they
   * were made. `name`, `store`, `onStoreError`, `replicas` and `leaseMs` stay.
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
    this.#lines.wake();
  }

  /** Nest calls it where the limiter is a provider. */
  async onApplicationShutdown(): Promise<void> {
    await this.#ledger.close();
  }

  @InterceptLlm({ order: Infinity })
  protected limit(
    call: InterceptedLlmCall,
    next: LlmNext,
  ): Promise<LlmResponse> | AsyncIterable<LlmChunk | LlmResponse> {
    return call.streaming ? this.#stream(call, next) : this.#generate(call, next);
  }

  async #generate(call: InterceptedLlmCall, next: LlmNext): Promise<LlmResponse> {
    const ticket = await this.#enter(call);
    try {
      return await (next() as Promise<LlmResponse>);
    } finally {
      await this.#leave(ticket, call);
    }
  }

  async *#stream(call: InterceptedLlmCall, next: LlmNext): AsyncIterable<LlmChunk | LlmResponse> {
    const ticket = await this.#enter(call);
    let response: LlmResponse;
    try {
      const stream = next() as LlmStream;
      yield* stream;
      response = await stream.response;
    } finally {
      await this.#leave(ticket, call);
    }
    yield response;
  }

  async #enter(call: InterceptedLlmCall): Promise<Ticket> {
    const entering = this.#reserve(call);
    try {
      return await call.pause(entering);
    } catch (error) {
      // The call was aborted, which does not keep the store from granting what it was asked for.
      void entering.then(
        (ticket) => this.#release(ticket),
        () => undefined,
      );
      throw error;
    }
  }

  async #reserve(call: InterceptedLlmCall): Promise<Ticket> {
    const { mode, maxQueue } = this.#settings;
    const claims = await this.#claims(call);
    const key = claims.map((claim) => claim.key).join(' ');
    if (mode === 'wait') {
      let claimed = claims;
      return this.#lines.enter<Ticket>(key, maxQueue, {
        signal: call.signal,
        attempt: async () => this.#try((claimed = await this.#claims(call))),
        refuse: (refusal, isFull) => this.#refuse(claimed, refusal, isFull ? maxQueue : undefined),
      });
    }
    const outcome = await this.#try(claims);
    if (outcome.granted) return outcome;
    throw this.#refuse(claims, outcome);
  }

  #claims(call: InterceptedLlmCall): Promise<CallClaim[]> {
    return claimsOf(call, this.#settings, (problem) =>
      this.refusal(`${this.#name}: ${problem}`, { retryable: false }),
    );
  }

  async #try(claims: readonly CallClaim[]): Promise<Ticket | LimitRefusal> {
    try {
      return await this.#ledger.reserve(claims);
    } catch (cause) {
      const message = `${this.#name} refuses calls while the store of its limits cannot be used; the cause says why.`;
      throw this.refusal(message, { cause, retryable: true });
    }
  }

  #refuse(claims: readonly CallClaim[], refusal: LimitRefusal, maxQueue?: number): CallbackAbort {
    const { message, ...details } = describeRefusal(claims[refusal.claim]!, refusal, maxQueue);
    return this.refusal(`${this.#name}: ${message}`, details);
  }

  async #leave(ticket: Ticket, { spent }: InterceptedLlmCall): Promise<void> {
    if (spent.requests === 0) return this.#release(ticket);
    const used = ticket.claims.map(({ source: { unit } }, i) => {
      const amount = unit.spent(spent);
      // What is not known to be less was all of it.
      return amount === undefined ? ticket.amounts[i]! : toStored(unit, amount);
    });
    await this.#ledger.settle(ticket, used);
    this.#lines.wake();
  }

  async #release(ticket: Ticket): Promise<void> {
    await this.#ledger.settle(
      ticket,
      ticket.claims.map(() => 0),
    );
    this.#lines.wake();
  }

  async #tell({ source: { unit }, owner: key, limit: stored }: CallClaim, storedUse: number) {
    const [used, limit] = [fromStored(unit, storedUse), fromStored(unit, stored)];
    try {
      await this.#settings.onThreshold?.({ key, used, limit, ratio: used / limit });
    } catch (error) {
      const why = error instanceof Error ? error.stack : messageOf(error);
      this.#logger.error('onThreshold failed', why);
    }
  }
}
