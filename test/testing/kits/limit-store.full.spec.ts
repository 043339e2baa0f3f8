import { describe, expect, it } from '@jest/globals';
import {
  MemoryLimitStore,
  type HeldReservation,
  type LimitCounter,
  type LimitSettlement,
  type LimitStore,
  type ReserveRequest,
} from 'nestjs-llm-callbacks';
import {
  describeLimitStore,
  type KitClock,
  type LimitStoreKitOptions,
} from 'nestjs-llm-callbacks/testing';
import { runKit } from '../../support/kit-runner.js';

type Reserve = MemoryLimitStore['reserve'];

/** A store in memory in which one thing is wrong. */
class Broken extends MemoryLimitStore {
  constructor({ now }: KitClock) {
    super({ now });
  }
}

const around = (change: (request: ReserveRequest) => ReserveRequest) =>
  class extends Broken {
    override reserve(request: ReserveRequest): ReturnType<Reserve> {
      return super.reserve(change(request));
    }
  };
const eachClaim = (change: (claim: ReserveRequest['claims'][0]) => object) =>
  around((request) => ({
    ...request,
    claims: request.claims.map((claim) => ({ ...claim, ...change(claim) })),
  }));

let ids = 0;
const BROKEN: [what: string, store: new (clock: KitClock) => LimitStore, rules: string[]][] = [
  [
    'forgets which reservations it knows',
    around((request) => ({ ...request, id: `${request.id}${ids++}` })),
    ['settle: reservations, settlements and renewals act once'],
  ],
  [
    'ignores `neverFits`',
    eachClaim(() => ({ neverFits: false })),
    ['reserve: a claim that never fits'],
  ],
  ['ignores `elastic`', eachClaim(() => ({ elastic: false })), ['reserve: an elastic claim']],
  [
    'counts all keys together',
    eachClaim(() => ({ key: 'k' })),
    ['reserve: groups, keys and windows', 'reserve: every claim is reserved'],
  ],
  [
    'ignores `onLost`',
    around(({ onLost: _, ...request }) => request),
    [
      "reserve: with onLost 'charge'",
      'settle: the actual usage of a late settlement',
      'renew: a charged',
    ],
  ],
  [
    'ends leases a millisecond early',
    around((request) => ({ ...request, leaseMs: request.leaseMs - 1 })),
    ['reserve: a reservation no longer counts'],
  ],
  [
    'renews nothing',
    class extends Broken {
      override async renew(_held: readonly HeldReservation[]): Promise<void> {}
    },
    ['renew: a renewed reservation'],
  ],
  [
    'reports no threshold',
    class extends Broken {
      override async settle(settlement: LimitSettlement) {
        await super.settle(settlement);
        return [];
      }
    },
    ['settle: a reached tellFrom is reported by one', 'reset: the used amount'],
  ],
  [
    'counts usage above the limit as the limit',
    class extends Broken {
      override settle(settlement: LimitSettlement) {
        const claims = settlement.claims.map((one) => ({
          ...one,
          used: Math.min(one.used, one.limit),
        }));
        return super.settle({ ...settlement, claims });
      }
    },
    ['reserve: when more is used than the limit'],
  ],
  [
    'resets what is reserved',
    class extends Broken {
      override async reset(group: string, counters: readonly LimitCounter[]): Promise<void> {
        await super.reset(group, counters);
        const claims = counters.map((counter) => ({ ...counter, amount: 3, used: 0, limit: 10 }));
        await super.settle({ group, id: 'b', at: 0, claims });
      }
    },
    ['reset: the used amount is forgotten'],
  ],
  [
    'marks every rejection as the first',
    class extends Broken {
      override async markRefused(): Promise<boolean> {
        return true;
      }
    },
    ['markRefused: resolves to true for the first rejection'],
  ],
  [
    'reports no wait',
    class extends Broken {
      override async reserve(request: ReserveRequest): ReturnType<Reserve> {
        const outcome = await super.reserve(request);
        if (outcome.granted) return outcome;
        const { retryAfterMs: _, ...rest } = outcome;
        return rest;
      }
    },
    ['reserve: retryAfterMs is', 'reserve: the longest wait', 'reserve: a sliding window'],
  ],
  [
    'cannot be used after close()',
    class extends Broken {
      #isClosed = false;
      override async reserve(request: ReserveRequest): ReturnType<Reserve> {
        if (this.#isClosed) throw new Error('The connection is closed.');
        return super.reserve(request);
      }
      async close(): Promise<void> {
        this.#isClosed = true;
      }
    },
    ['close: the store works again'],
  ],
];

const run = (
  make: (clock: KitClock) => LimitStore,
  options: LimitStoreKitOptions = { clock: true },
) => runKit((runner) => describeLimitStore(make, { runner, ...options }));

describe('describeLimitStore', () => {
  it.each(BROKEN)('finds a store that %s', async (_, Store, rules) => {
    const { failures } = await run((clock) => new Store(clock));

    for (const rule of rules)
      expect(failures.map(({ title }) => title)).toContainEqual(expect.stringContaining(rule));
    for (const { error } of failures)
      expect(error.message).toMatch(
        /^LimitStore\.\w+: .*\n[^]*The rule is documented at LimitStore\./,
      );
  });

  it('finds stores that count separately where they claim to share their data', async () => {
    const { failures } = await run(({ now }) => new MemoryLimitStore({ now }), {
      clock: true,
      durable: true,
      peer: (_store, { now }) => new MemoryLimitStore({ now }),
    });

    expect(failures.map(({ title }) => title)).toEqual([
      'reserve: stores on the same data share its budgets',
      'reserve: of concurrent calls in several processes, only those that fit are granted',
      'reserve: replicas counts the limiters of the group',
      'close: what is used and reserved remains when every store is closed',
    ]);
  });

  it('tests windows and leases only by a clock, and sharing only with a peer', async () => {
    const make = () => new MemoryLimitStore();
    const plain = await run(make, {});
    const timed = await run(({ now }) => new MemoryLimitStore({ now }));

    expect(plain.failures).toEqual([]);
    expect(timed.failures).toEqual([]);
    const added = timed.titles.filter((title) => !plain.titles.includes(title));
    expect(added).toContain('settle: a call counts in the period in which it was reserved');
    expect([...plain.titles, ...timed.titles].join()).not.toContain('several processes');
  });

  it('closes and disposes each store after its test, also after a failure', async () => {
    const made: LimitStore[] = [];
    const done: LimitStore[] = [];
    const { titles, failures } = await run(
      () => {
        const store: LimitStore = Object.assign(new MemoryLimitStore(), {
          usage: () => Promise.reject(new Error('away')),
        });
        made.push(store);
        return store;
      },
      { dispose: (store) => void done.push(store) },
    );

    expect(failures.length).toBeGreaterThan(0);
    expect(made).toHaveLength(titles.length);
    expect(done).toEqual(made);
  });
});
