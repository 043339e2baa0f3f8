import { brand } from '../util/brand.js';
import { isTimeoutMs, TIMEOUT_RULE } from '../util/promises.js';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type {
  CounterState,
  HeldReservation,
  LimitCounter,
  LimitGrant,
  LimitRefusal,
  LimitSettlement,
  LimitStore,
  LostReservation,
  ReachedLimit,
  ReserveRequest,
} from '../limits/limit-store.js';
import type { LimitWindow } from '../limits/limit-window.js';
import {
  ClientSource,
  type RedisClient,
  RedisLink,
  Script,
  type ScriptArgs,
} from './redis-link.js';
import { MARK_REFUSED, RENEW, RESERVE, RESET, SETTLE, USAGE } from './limit-scripts.js';

export interface RedisLimitStoreOptions {
  /**
   * The address of Redis 6 or later, or Valkey: `redis://…` or `rediss://…`. The store opens a client of `ioredis` on
   * first use, and closes it when the application shuts down. Set this or `client`.
   */
  url?: string;
  /**
   * A client of `ioredis`, for one server or a cluster. You own it: the store never closes it, and it keeps the process
   * alive until you call `quit()` in an `onApplicationShutdown()`.
   */
  client?: RedisClient;
  /**
   * The prefix of all keys.
   * @default 'llm-limits:'
   */
  prefix?: string;
  /**
   * How long a command may take before the store counts as unavailable, in milliseconds, also while the client
   * reconnects.
   * @default 1_000
   */
  timeoutMs?: number;
}

/** How long a limiter counts as running after its last call. */
const INSTANCE_MS = 600_000;
/**
 * Calendar periods are stale if computed by another clock than the server's; one correction suffices, except at a
 * period's end.
 */
const MAX_CORRECTIONS = 3;

const SCRIPTS = {
  reserve: new Script(RESERVE),
  settle: new Script(SETTLE),
  renew: new Script(RENEW),
  usage: new Script(USAGE),
  reset: new Script(RESET),
  markRefused: new Script(MARK_REFUSED),
};

/**
 * Counts on Redis or Valkey, for any number of processes: one atomic script per operation, by the server's clock. All
 * keys of a limiter share a hash tag, its name, so that it works on a cluster.
 *
 * @example
 * ```ts
 * const store = new RedisLimitStore({ url: process.env.REDIS_URL! });
 * const perUser = new CostLimiter({ maxCost: 1, per: 'user', window: 'day', store });
 * ```
 */
export class RedisLimitStore implements LimitStore {
  static {
    brand(this, 'class:RedisLimitStore');
  }

  readonly #link: RedisLink;
  readonly #prefix: string;
  /** How far the server's clock is ahead of the clock of this process. */
  #aheadMs = 0;

  constructor({ url, client, prefix = 'llm-limits:', timeoutMs = 1_000 }: RedisLimitStoreOptions) {
    if (url !== undefined && client !== undefined)
      refuse('give it a `url` or a `client`, not both.');
    if (
      url === undefined &&
      typeof (client as Partial<RedisClient> | undefined)?.evalsha !== 'function'
    )
      refuse('give it a `client` of ioredis, or the `url` of a server.');
    if (url !== undefined && (typeof url !== 'string' || !/^rediss?:\/\/./.test(url)))
      refuse('url must be like redis://127.0.0.1:6379.');
    if (typeof prefix !== 'string' || /[{}]/.test(prefix))
      refuse('prefix must be a text without braces.');
    if (!isTimeoutMs(timeoutMs)) refuse(TIMEOUT_RULE);
    this.#link = new RedisLink(new ClientSource(url ?? client!), timeoutMs);
    this.#prefix = prefix;
  }

  async reserve(request: ReserveRequest): Promise<LimitGrant | LimitRefusal> {
    const { group, id, leaseMs, onLost, instance, claims } = request;
    const keys = [
      this.#key(group, 'mark', id),
      this.#key(group, 'instances'),
      ...this.#keysOf(group, claims),
    ];
    const args = () => [
      id,
      leaseMs,
      instance,
      INSTANCE_MS,
      chargeOf(onLost),
      ...claims.flatMap(({ window, amount, limit, elastic, neverFits }) => [
        ...this.#windowArgs(window),
        amount,
        limit,
        elastic ? 1 : 0,
        neverFits ? 1 : 0,
      ]),
    ];
    const reply = await this.#link.do(
      (client) => this.#runNow(client, SCRIPTS.reserve, keys, args),
      // Too late to grant: the caller has already received the outage error.
      (late) => this.#takeBack(request, late),
    );
    const [outcome, ...rest] = reply as [string, ...(string | number)[]];
    if (outcome === 'settled') throw new Error('The reservation was settled before it was made.');
    if (outcome === 'granted') return toGrant(rest);
    const [claim, used, reserved, wait] = rest.map(Number) as [number, number, number, number];
    return { granted: false, claim, used, reserved, ...(wait >= 0 && { retryAfterMs: wait }) };
  }

  async settle(settlement: LimitSettlement): Promise<readonly ReachedLimit[]> {
    const { id, at, claims } = settlement;
    const args = claims.flatMap(({ window, amount, used, tellFrom = '' }) => [
      ...this.#windowArgs(window, at),
      amount,
      used,
      tellFrom,
    ]);
    const keys = this.#reservationKeys(settlement);
    const reply = await this.#run(SCRIPTS.settle, keys, [id, at, ...args]);
    return (reply as [number, string][]).map(([claim, used]) => ({ claim, used: Number(used) }));
  }

  async renew(held: readonly HeldReservation[], leaseMs: number): Promise<void> {
    const renewing = held.map((reservation) => {
      const { id, at, onLost, claims } = reservation;
      const args = claims.flatMap(({ window, amount }) => [
        ...this.#windowArgs(window, at),
        amount,
      ]);
      const keys = this.#reservationKeys(reservation);
      return this.#run(SCRIPTS.renew, keys, [id, at, leaseMs, chargeOf(onLost), ...args]);
    });
    await Promise.all(renewing);
  }

  async usage(group: string, counters: readonly LimitCounter[]): Promise<readonly CounterState[]> {
    const keys = this.#keysOf(group, counters);
    const args = () => counters.flatMap(({ window }) => this.#windowArgs(window));
    const reply = await this.#link.do((client) => this.#runNow(client, SCRIPTS.usage, keys, args));
    return (reply as [string, string, string][]).map(([used, reserved, limit]) => ({
      used: Number(used),
      reserved: Number(reserved),
      ...(limit !== '' && { limit: Number(limit) }),
    }));
  }

  async reset(group: string, counters: readonly LimitCounter[]): Promise<void> {
    const keys = counters.flatMap((counter) => [
      ...this.#keysOf(group, [counter]),
      this.#refusedKey(group, counter),
    ]);
    await this.#run(SCRIPTS.reset, keys, []);
  }

  async markRefused(group: string, counter: LimitCounter): Promise<boolean> {
    const keys = [this.#refusedKey(group, counter)];
    const args = () => this.#windowArgs(counter.window);
    const [isFirst] = await this.#link.do((client) =>
      this.#runNow(client, SCRIPTS.markRefused, keys, args),
    );
    return isFirst === 1;
  }

  /** Closes the client that the store opened; a given one stays open. On further use, the store opens another one. */
  close(): Promise<void> {
    return this.#link.close();
  }

  /** The time, for tests; by default the server's own. */
  protected time(): number | undefined {
    return undefined;
  }

  #run(script: Script, keys: string[], args: ScriptArgs): Promise<unknown> {
    return this.#link.do((client) => script.run(client, keys, [this.time() ?? '', ...args]));
  }

  /** Runs a script with windows by the server's clock. */
  async #runNow(
    client: RedisClient,
    script: Script,
    keys: string[],
    args: () => ScriptArgs,
  ): Promise<unknown[]> {
    for (let tries = 0; tries <= MAX_CORRECTIONS; tries++) {
      const reply = await script.run(client, keys, [this.time() ?? '', ...args()]);
      const [outcome, now] = reply as unknown[];
      if (outcome !== 'stale') return reply as unknown[];
      this.#aheadMs = Number(now) - Date.now();
    }
    throw new Error('The clock of Redis jumps.');
  }

  #takeBack({ group, id, claims }: ReserveRequest, reply: unknown[]): void {
    if (reply[0] !== 'granted') return;
    const { at, amounts } = toGrant(reply.slice(1));
    const unused = claims.map((claim, i) => ({ ...claim, amount: amounts[i]!, used: 0 }));
    this.settle({ group, id, at, claims: unused }).catch(() => undefined);
  }

  /** Returns the period of a time for calendar windows, by default of now by the server's clock. */
  #windowArgs(window: LimitWindow, at = this.time() ?? Date.now() + this.#aheadMs): ScriptArgs {
    const { start, end } = window.bucketAt(at);
    return [window.stepMs ?? 0, window.keepMs, start, end];
  }

  #reservationKeys({ group, id, claims }: HeldReservation): string[] {
    return [this.#key(group, 'mark', id), ...this.#keysOf(group, claims)];
  }

  #keysOf(group: string, counters: readonly LimitCounter[]): string[] {
    return counters.flatMap((counter) => {
      const key = this.#counterKey(group, counter);
      return [key, `${key}:leases`];
    });
  }

  #counterKey(group: string, { key, window }: LimitCounter): string {
    return this.#key(group, 'count', window.id, key);
  }

  #refusedKey(group: string, counter: LimitCounter): string {
    return `${this.#counterKey(group, counter)}:refused`;
  }

  #key(group: string, ...parts: string[]): string {
    return `${this.#prefix}{${group}}:${parts.join(':')}`;
  }
}

function toGrant([replicas, mark]: unknown[]): LimitGrant {
  const [at, ...amounts] = String(mark).split(' ').map(Number) as [number, ...number[]];
  return { granted: true, at, amounts, replicas: Number(replicas) };
}

/** The prefix of a lease. */
function chargeOf(onLost: LostReservation | undefined): string {
  return onLost === 'charge' ? 'c:' : '';
}

function refuse(problem: string): never {
  throw new CallbacksConfigurationError(`RedisLimitStore: ${problem}`);
}
