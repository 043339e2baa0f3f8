import assert from 'node:assert/strict';
import type {
  CounterState,
  HeldClaim,
  LimitClaim,
  LimitGrant,
  LimitRefusal,
  LimitStore,
  ReserveRequest,
} from '../../index.js';
import { limitWindow, type WindowLength } from '../../limits/limit-window.js';
import { closeAll, type KitOptions } from './kit.js';

/** The time of a test, which only the test advances. */
export interface KitClock {
  /** The time in epoch milliseconds; needs no `this`. */
  readonly now: () => number;
}

/** Makes a new, empty store. Ignores `clock` unless {@link LimitStoreKitOptions.clock} is set. */
export type MakeLimitStore<S extends LimitStore = LimitStore> = (clock: KitClock) => S | Promise<S>;

/** Facts about a limit store, which decide what is tested. */
export interface LimitStoreKitOptions<S extends LimitStore = LimitStore> extends KitOptions {
  /**
   * Whether the stores take the time from the clock that they are made with. Required for the tests of windows and
   * leases. A store on a server may do so in a subclass for its tests.
   * @default false
   */
  clock?: boolean;
  /** Opens another store on the data of `store`, as another process does. Tests that both share budgets. */
  peer?(store: S, clock: KitClock): S | Promise<S>;
  /**
   * Whether the data remains when every store on it is closed. Tested with `peer`.
   * @default false
   */
  durable?: boolean;
  /** Called after each test for every store of the test, when all are closed: removes its data. */
  dispose?(store: S): void | Promise<void>;
}

/** 2027-01-15 08:00 UTC. */
export const START = Date.UTC(2027, 0, 15, 8);
export const GROUP = 'kit';
export const LEASE_MS = 60_000;
export const FREE: CounterState = { used: 0, reserved: 0 };

/** Adds a test of a rule of `LimitStore`. */
export type AddTest = (
  member: string,
  rule: string,
  run: (bench: StoreBench<LimitStore>) => Promise<void>,
) => void;

interface HoldOptions {
  readonly leaseMs?: number;
  readonly onLost?: 'charge';
  readonly group?: string;
}

/** The store of one test, and its peers. */
export class StoreBench<S extends LimitStore> {
  store!: S;
  readonly clock = new SteppedClock();
  readonly #opened: S[] = [];

  constructor(
    private readonly make: MakeLimitStore<S>,
    private readonly options: LimitStoreKitOptions<S>,
  ) {}

  async open(): Promise<void> {
    this.store = await this.make(this.clock);
    this.#opened.push(this.store);
  }

  /** Another store on the same data. */
  readonly peer = async (): Promise<S> => {
    const peer = await this.options.peer!(this.store, this.clock);
    this.#opened.push(peer);
    return peer;
  };

  readonly reserve = (id: string, claims: readonly LimitClaim[], options: HoldOptions = {}) =>
    this.store.reserve({ ...requestOf(id, claims), ...options });

  /** A granted reservation, to be settled or renewed. */
  readonly hold = async (id: string, claims: readonly LimitClaim[], options: HoldOptions = {}) => {
    const { store } = this;
    const { at, amounts } = grantOf(await this.reserve(id, claims, options));
    const held = {
      group: GROUP,
      id,
      at,
      ...(options.onLost && { onLost: options.onLost }),
      claims: claims.map(({ key, window }, i): HeldClaim => ({ key, window, amount: amounts[i]! })),
    };
    return {
      amounts,
      held,
      settle: (used: readonly number[], tellFrom?: number) =>
        store.settle({
          ...held,
          claims: held.claims.map((one, i) => ({
            ...one,
            used: used[i]!,
            limit: claims[i]!.limit,
            ...(tellFrom !== undefined && { tellFrom }),
          })),
        }),
      renew: () => store.renew([held], options.leaseMs ?? LEASE_MS),
    };
  };

  async close(): Promise<void> {
    await closeAll(
      this.#opened,
      (store) => store.close?.(),
      (store) => this.options.dispose?.(store),
    );
  }
}

class SteppedClock implements KitClock {
  #now = START;
  readonly now = () => this.#now;

  advance(ms: number): void {
    this.#now += ms;
  }

  set(epochMs: number): void {
    this.#now = epochMs;
  }
}

/** A claim on a limit of 10. */
export function claim(
  amount: number,
  options: Partial<LimitClaim> & { readonly length?: WindowLength } = {},
): LimitClaim {
  const { length = 'lifetime', ...rest } = options;
  return { key: 'k', window: limitWindow(length), amount, limit: 10, elastic: false, ...rest };
}

export function requestOf(id: string, claims: readonly LimitClaim[]): ReserveRequest {
  return { group: GROUP, id, leaseMs: LEASE_MS, instance: 'kit', claims };
}

export function grantOf(outcome: LimitGrant | LimitRefusal): LimitGrant {
  assert.ok(outcome.granted, 'The reservation was rejected, but fits.');
  return outcome;
}

export function amountsOf(outcome: LimitGrant | LimitRefusal): readonly number[] {
  return grantOf(outcome).amounts;
}

export function refusalOf(outcome: LimitGrant | LimitRefusal): LimitRefusal {
  assert.ok(!outcome.granted, 'The reservation was granted, but does not fit.');
  return outcome;
}

export async function stateOf(
  store: LimitStore,
  {
    group = GROUP,
    key = 'k',
    length = 'lifetime',
  }: { group?: string; key?: string; length?: WindowLength } = {},
): Promise<CounterState> {
  const [state] = await store.usage(group, [{ key, window: limitWindow(length) }]);
  assert.ok(state !== undefined, 'There is no state of the counter.');
  return { used: state.used, reserved: state.reserved };
}
