import { randomUUID } from 'node:crypto';
import { encodeKey, type ReservationAmount } from './limit.js';
import type {
  CounterState,
  LimitCounter,
  LimitGrant,
  LimitRefusal,
  LimitSettlement,
  SettledClaim,
} from './limit-store.js';
import type { LimiterOptions } from './limiter-options.js';
import { MemoryLimitStore } from './memory-limit-store.js';
import { Outage, Outbox } from './store-outage.js';
import { RefusalMarks } from './memory-counter.js';

/** What a call has reserved. */
export interface Reservation {
  readonly granted: true;
  readonly id: string;
  readonly at: number;
  readonly claims: readonly ReservationAmount[];
  readonly amounts: readonly number[];
  /** Whether the store has the reservation. */
  readonly isStored: boolean;
}

/** A settlement with the limits that it belongs to. */
interface Settlement extends LimitSettlement {
  readonly claims: readonly (SettledClaim & ReservationAmount)[];
}

type ReservationsOptions = Required<
  Pick<LimiterOptions, 'name' | 'store' | 'onStoreError' | 'leaseMs'>
> &
  Pick<LimiterOptions, 'replicas' | 'onLostReservation'>;

/** Called when a settlement brings a key to its threshold. */
type OnReached = (claim: ReservationAmount, used: number) => unknown;

const RENEWALS_PER_LEASE = 3;

/** Reserves and settles for a limiter, also while its store is unavailable. */
export class Reservations {
  readonly #group: string;
  readonly #outage: Outage;
  readonly #instance = randomUUID();
  readonly #outbox = new Outbox<Settlement>((settlement) => this.#send(settlement));
  /** With `onStoreError: 'local'`: what this process has used. */
  readonly #local: MemoryLimitStore | undefined;
  /** The rejected keys, for a store that does not remember them. */
  readonly #refused = new RefusalMarks();
  readonly #open = new Map<string, Reservation>();
  #renewing: ReturnType<typeof setInterval> | undefined;
  #replicas = 1;

  constructor(
    private readonly options: ReservationsOptions,
    private readonly onReached: OnReached,
  ) {
    const { name, onStoreError } = options;
    this.#outage = new Outage(name, onStoreError);
    this.#group = encodeKey(name);
    if (onStoreError === 'local') this.#local = new MemoryLimitStore();
  }

  /** Fails with the store's error if that rejects the call. */
  async reserve(claims: readonly ReservationAmount[]): Promise<Reservation | LimitRefusal> {
    const id = randomUUID();
    const { leaseMs, store, onStoreError, onLostReservation: onLost } = this.options;
    const request = {
      group: this.#group,
      id,
      leaseMs,
      instance: this.#instance,
      claims,
      ...(onLost !== undefined && { onLost }),
    };
    try {
      // Usage during an outage counts before anything else is granted.
      if (this.#outbox.size > 0) await this.#outbox.flush();
      const outcome = await store.reserve(request);
      this.#outage.over(this.#outbox.takeLost());
      return outcome.granted ? this.#hold(id, claims, outcome) : outcome;
    } catch (error) {
      this.#outage.note(error);
      if (onStoreError === 'closed') throw error;
      return this.#local === undefined
        ? unstored(claims)
        : this.#reserveLocally(this.#local, claims);
    }
  }

  /** Never fails: a paid answer is worth more than its settlement. */
  async settle(reservation: Reservation, used: readonly number[]): Promise<void> {
    const { id, at, isStored } = reservation;
    const claims = reservation.claims.map((claim, i) => ({
      ...claim,
      amount: reservation.amounts[i]!,
      used: used[i]!,
    }));
    const settlement: Settlement = { group: this.#group, id, at, claims };
    this.#open.delete(id);
    if (this.#local !== undefined) await this.#settleLocally(this.#local, settlement);
    try {
      if (isStored) await this.#send(settlement);
      else if (used.some((amount) => amount > 0)) this.#keep(settlement);
    } catch (error) {
      this.#outage.note(error);
      this.#keep(settlement);
    }
    this.#rest();
  }

  /** Releases the whole reservation. */
  release(reservation: Reservation): Promise<void> {
    return this.settle(
      reservation,
      reservation.claims.map(() => 0),
    );
  }

  usage(counters: readonly LimitCounter[]): Promise<readonly CounterState[]> {
    return this.options.store.usage(this.#group, counters);
  }

  /** Whether a rejection is a counter's first one in its window. */
  async isFirstRefusal({ key, window }: LimitCounter): Promise<boolean> {
    const { store } = this.options;
    const counter = { key, window };
    try {
      if (store.markRefused !== undefined) return await store.markRefused(this.#group, counter);
    } catch (error) {
      this.#outage.note(error);
    }
    return this.#refused.first(this.#group, counter, Date.now());
  }

  async reset(counters: readonly LimitCounter[]): Promise<void> {
    for (const counter of counters) this.#refused.forget(this.#group, counter);
    await this.#local?.reset(this.#group, counters);
    await this.options.store.reset(this.#group, counters);
  }

  /**
   * Sends pending settlements if the store takes them, and closes the store. Reservations of other applications are
   * kept.
   */
  async close(): Promise<void> {
    if (this.#open.size === 0) {
      clearInterval(this.#renewing);
      this.#renewing = undefined;
    }
    await this.#flush();
    await this.options.store.close?.().catch(this.#outage.note);
  }

  #hold(
    id: string,
    claims: readonly ReservationAmount[],
    { at, amounts, replicas }: LimitGrant,
  ): Reservation {
    const reservation: Reservation = { granted: true, id, at, claims, amounts, isStored: true };
    this.#replicas = replicas;
    this.#open.set(id, reservation);
    this.#keepAwake();
    return reservation;
  }

  async #reserveLocally(
    local: MemoryLimitStore,
    claims: readonly ReservationAmount[],
  ): Promise<Reservation | LimitRefusal> {
    const { replicas = this.#replicas } = this.options;
    const reservation = unstored(claims);
    const parts = claims.map((one) => ({ ...one, limit: Math.floor(one.limit / replicas) }));
    // This process holds it until settlement, or until it exits and the memory with it.
    const request = {
      group: this.#group,
      id: reservation.id,
      leaseMs: Infinity,
      instance: '',
      claims: parts,
    };
    const outcome = await local.reserve(request);
    return outcome.granted ? { ...reservation, at: outcome.at, amounts: outcome.amounts } : outcome;
  }

  /** So that during an outage the local store has this process's earlier usage, as long as it has room for the key. */
  async #settleLocally(
    local: MemoryLimitStore,
    { claims, ...settlement }: Settlement,
  ): Promise<void> {
    const quiet = claims.map(({ tellFrom: _tellFrom, ...claim }) => claim);
    await local.settle({ ...settlement, claims: quiet }).catch(() => undefined);
  }

  async #send(settlement: Settlement): Promise<void> {
    const reached = await this.options.store.settle(settlement);
    this.#outage.over(this.#outbox.takeLost());
    for (const { claim, used } of reached) await this.onReached(settlement.claims[claim]!, used);
  }

  #keep(settlement: Settlement): void {
    this.#outbox.add(settlement);
    this.#keepAwake();
  }

  /** A timer renews leases and sends pending settlements while there are any. */
  #keepAwake(): void {
    const everyMs = Math.ceil(this.options.leaseMs / RENEWALS_PER_LEASE);
    this.#renewing ??= setInterval(() => void this.#wake(), everyMs).unref();
  }

  #rest(): void {
    if (this.#open.size > 0 || this.#outbox.size > 0) return;
    clearInterval(this.#renewing);
    this.#renewing = undefined;
  }

  async #wake(): Promise<void> {
    const { store, leaseMs, onLostReservation: onLost } = this.options;
    const held = [...this.#open.values()].map(({ id, at, claims, amounts }) => ({
      group: this.#group,
      id,
      at,
      ...(onLost !== undefined && { onLost }),
      claims: claims.map((claim, i) => ({ ...claim, amount: amounts[i]! })),
    }));
    if (held.length > 0) await store.renew(held, leaseMs).catch(this.#outage.note);
    await this.#flush();
    this.#rest();
  }

  async #flush(): Promise<void> {
    await this.#outbox.flush().catch(this.#outage.note);
  }
}

/** A reservation that no store has yet. */
function unstored(claims: readonly ReservationAmount[]): Reservation {
  const amounts = claims.map(() => 0);
  return { granted: true, id: randomUUID(), at: Date.now(), claims, amounts, isStored: false };
}
