import assert from 'node:assert/strict';
import {
  amountsOf,
  claim,
  FREE,
  grantOf,
  GROUP,
  refusalOf,
  requestOf,
  stateOf,
  type AddTest,
} from './limit-store-bench.js';

export function testReservations(test: AddTest): void {
  test(
    'reserve',
    'an amount that does not fit beside what is used and reserved is rejected',
    async ({ store, hold, reserve }) => {
      await hold('a', [claim(4)]);
      await (await hold('b', [claim(3)])).settle([3]);
      assert.deepEqual(refusalOf(await reserve('c', [claim(4)])), {
        granted: false,
        claim: 0,
        used: 3,
        reserved: 4,
      });
      assert.deepEqual(amountsOf(await reserve('d', [claim(3)])), [3]);
      assert.deepEqual(await stateOf(store), { used: 3, reserved: 7 });
    },
  );

  test('reserve', 'of concurrent calls, only those that fit are granted', async ({ reserve }) => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => reserve(`c${i}`, [claim(6)])),
    );
    assert.equal(outcomes.filter(({ granted }) => granted).length, 1, 'One of 20 fits.');
  });

  test('reserve', 'every claim is reserved, or none', async ({ store, hold, reserve }) => {
    await hold('a', [claim(8, { key: 'tight' })]);
    const outcome = await reserve('b', [claim(5), claim(5, { key: 'tight' })]);
    assert.equal(refusalOf(outcome).claim, 1);
    assert.deepEqual(await stateOf(store), FREE);
  });

  test(
    'reserve',
    'an amount above the whole limit gets the limit while nothing is used or reserved',
    async ({ hold, reserve }) => {
      const call = await hold('a', [claim(25)]);
      assert.deepEqual(call.amounts, [10]);
      refusalOf(await reserve('b', [claim(25)]));
      await call.settle([1]);
      refusalOf(await reserve('c', [claim(25)]));
    },
  );

  test(
    'reserve',
    'a claim that never fits is rejected, whatever is left',
    async ({ store, reserve }) => {
      const never = claim(25, { key: 'never', neverFits: true });
      const elastic = claim(25, { key: 'elastic', elastic: true, neverFits: true });
      assert.deepEqual(refusalOf(await reserve('a', [claim(1), never])), {
        granted: false,
        claim: 1,
        ...FREE,
      });
      assert.equal(refusalOf(await reserve('b', [elastic])).claim, 0);
      assert.deepEqual(await stateOf(store), FREE);
    },
  );

  test(
    'reserve',
    'an elastic claim gets what is left, until nothing is',
    async ({ hold, reserve }) => {
      await (await hold('a', [claim(7)])).settle([7]);
      assert.deepEqual(amountsOf(await reserve('b', [claim(8, { elastic: true })])), [3]);
      refusalOf(await reserve('c', [claim(8, { elastic: true })]));
    },
  );

  test(
    'reserve',
    'when more is used than the limit, only claims of 0 are granted',
    async ({ store, hold, reserve }) => {
      await (await hold('a', [claim(1)])).settle([12]);
      assert.deepEqual(await stateOf(store), { used: 12, reserved: 0 });
      refusalOf(await reserve('b', [claim(1, { elastic: true })]));
      assert.deepEqual(amountsOf(await reserve('c', [claim(0)])), [0]);
    },
  );

  test('reserve', 'a limit of 0 allows only claims of 0', async ({ reserve }) => {
    const outcome = await reserve('a', [claim(1, { limit: 0, elastic: true })]);
    assert.deepEqual(refusalOf(outcome), { granted: false, claim: 0, ...FREE });
    assert.deepEqual(amountsOf(await reserve('b', [claim(0, { limit: 0 })])), [0]);
  });

  test(
    'reserve',
    'amounts are added exactly up to the largest safe integer',
    async ({ store, hold, reserve }) => {
      const limit = Number.MAX_SAFE_INTEGER;
      await (await hold('a', [claim(limit - 1, { limit })])).settle([limit - 1]);
      refusalOf(await reserve('b', [claim(2, { limit })]));
      await (await hold('c', [claim(1, { limit })])).settle([1]);
      assert.deepEqual(await stateOf(store), { used: limit, reserved: 0 });
    },
  );

  test(
    'reserve',
    'groups, keys and windows are counted separately',
    async ({ store, hold, reserve }) => {
      await hold('a', [claim(4), claim(5, { key: 'other' }), claim(6, { length: 'day' })]);
      assert.equal((await stateOf(store)).reserved, 4);
      assert.equal((await stateOf(store, { key: 'other' })).reserved, 5);
      assert.equal((await stateOf(store, { length: 'day' })).reserved, 6);
      assert.deepEqual(await stateOf(store, { group: 'others' }), FREE);
      // Whatever the store joins its own keys with.
      await reserve('b', [claim(7, { key: 'b:c' })], { group: 'a' });
      assert.deepEqual(await stateOf(store, { group: 'a:b', key: 'c' }), FREE);
    },
  );

  test(
    'reserve',
    'of several claims that do not fit, the one that has to wait longest is reported',
    async ({ hold, reserve }) => {
      const [hour, forEver, day] = [
        claim(10, { length: 'hour' }),
        claim(10),
        claim(10, { length: 'day' }),
      ] as const;
      await (await hold('a', [hour, forEver, day])).settle([10, 10, 10]);
      assert.equal(refusalOf(await reserve('b', [hour, forEver, day])).claim, 1);
    },
  );
}

export function testRepetition(test: AddTest): void {
  test('settle', 'the used amount replaces the reserved one', async ({ store, hold }) => {
    const call = await hold('a', [claim(4)]);
    assert.deepEqual(await stateOf(store), { used: 0, reserved: 4 });
    await call.settle([3]);
    assert.deepEqual(await stateOf(store), { used: 3, reserved: 0 });
  });

  test(
    'settle',
    'reservations, settlements and renewals act once, however often they are repeated',
    async ({ store, hold, reserve }) => {
      const call = await hold('a', [claim(4)]);
      assert.deepEqual(amountsOf(await reserve('a', [claim(4)])), [4]);
      assert.deepEqual(await stateOf(store), { used: 0, reserved: 4 });
      await call.renew();
      assert.deepEqual(await stateOf(store), { used: 0, reserved: 4 });
      await call.settle([3]);
      await call.settle([3]);
      await call.settle([0]);
      await call.renew();
      assert.deepEqual(await stateOf(store), { used: 3, reserved: 0 });
      // A late repetition of the request; it may reject.
      await reserve('a', [claim(4)]).catch(() => undefined);
      assert.deepEqual(await stateOf(store), { used: 3, reserved: 0 });
    },
  );

  test('settle', 'zeros release the reservation', async ({ store, hold, reserve }) => {
    const call = await hold('a', [claim(10), claim(10, { key: 'other' })]);
    await call.settle([0, 0]);
    assert.deepEqual(await stateOf(store), FREE);
    assert.deepEqual(amountsOf(await reserve('b', [claim(10)])), [10]);
  });

  test(
    'settle',
    'a reached tellFrom is reported by one settlement only, with the claim and what is used',
    async ({ hold }) => {
      const use = async (id: string, used: number) =>
        (await hold(id, [claim(0, { key: 'free' }), claim(used)])).settle([0, used], 8);
      assert.deepEqual(await use('a', 7), []);
      assert.deepEqual(await use('b', 1), [{ claim: 1, used: 8 }]);
      assert.deepEqual(await use('c', 1), []);
    },
  );
}

export function testUsage(test: AddTest): void {
  test(
    'usage',
    'the state of each counter is reported in the order of the request, also of unknown ones',
    async ({ store, hold }) => {
      await hold('a', [claim(1, { limit: 10 })]);
      await hold('b', [claim(1, { limit: 12 })]);
      const states = await store.usage(GROUP, [claim(0, { key: 'unknown' }), claim(0)]);
      assert.deepEqual(
        states.map(({ used, reserved }) => ({ used, reserved })),
        [FREE, { used: 0, reserved: 2 }],
      );
      assert.equal(states[1]?.limit, 12, 'The limit is that of the last reservation.');
    },
  );

  test(
    'reset',
    'the used amount is forgotten, and calls in progress are settled as usual',
    async ({ store, hold }) => {
      await (await hold('a', [claim(6)])).settle([6], 5);
      const call = await hold('b', [claim(3)]);
      await store.reset(GROUP, [claim(0)]);
      assert.deepEqual(await stateOf(store), { used: 0, reserved: 3 });
      assert.deepEqual(await call.settle([2], 2), [{ claim: 0, used: 2 }]);
      assert.deepEqual(await stateOf(store), { used: 2, reserved: 0 });
    },
  );

  test(
    'markRefused',
    'resolves to true for the first rejection of a counter, and again after a reset',
    async ({ store }) => {
      if (store.markRefused === undefined) return;
      assert.equal(await store.markRefused(GROUP, claim(0)), true);
      assert.equal(await store.markRefused(GROUP, claim(0)), false);
      assert.equal(await store.markRefused(GROUP, claim(0, { key: 'other' })), true);
      await store.reset(GROUP, [claim(0)]);
      assert.equal(await store.markRefused(GROUP, claim(0)), true);
      assert.equal(await store.markRefused(GROUP, claim(0, { key: 'other' })), false);
    },
  );

  test(
    'close',
    'the store works again after it was closed, and can be closed again',
    async ({ store, reserve }) => {
      await store.close?.();
      amountsOf(await reserve('a', [claim(1)]));
      await store.close?.();
      await store.close?.();
    },
  );
}

export function testPeers(test: AddTest): void {
  test('reserve', 'stores on the same data share its budgets', async ({ store, peer, hold }) => {
    const other = await peer();
    const call = await hold('a', [claim(6)]);
    assert.deepEqual(await stateOf(other), { used: 0, reserved: 6 });
    refusalOf(await other.reserve(requestOf('b', [claim(6)])));
    await call.settle([5]);
    assert.deepEqual(await stateOf(other), { used: 5, reserved: 0 });
    await other.reset(GROUP, [claim(0)]);
    assert.deepEqual(await stateOf(store), FREE);
  });

  test(
    'reserve',
    'of concurrent calls in several processes, only those that fit are granted',
    async ({ store, peer }) => {
      const stores = [store, await peer(), await peer()];
      const outcomes = await Promise.all(
        Array.from({ length: 30 }, (_, i) =>
          stores[i % stores.length]!.reserve(requestOf(`c${i}`, [claim(3)])),
        ),
      );
      assert.equal(outcomes.filter(({ granted }) => granted).length, 3, '3 of 30 fit.');
    },
  );

  test(
    'settle',
    'a repeated settlement acts once, also in another process',
    async ({ peer, store, hold }) => {
      const other = await peer();
      const call = await hold('a', [claim(4)]);
      await call.settle([3]);
      await other.settle({
        ...call.held,
        claims: [{ ...call.held.claims[0]!, used: 3, limit: 10 }],
      });
      assert.deepEqual(await stateOf(store), { used: 3, reserved: 0 });
    },
  );

  test('reserve', 'replicas counts the limiters of the group', async ({ store, peer }) => {
    const other = await peer();
    const first = await store.reserve({ ...requestOf('a', [claim(1)]), instance: 'one' });
    const second = await other.reserve({ ...requestOf('b', [claim(1)]), instance: 'two' });
    const third = await store.reserve({ ...requestOf('c', [claim(1)]), instance: 'one' });
    assert.deepEqual(
      [first, second, third].map((outcome) => grantOf(outcome).replicas),
      [1, 2, 2],
    );
  });
}

export function testDurability(test: AddTest): void {
  test(
    'close',
    'what is used and reserved remains when every store is closed',
    async ({ store, peer, hold }) => {
      await (await hold('a', [claim(3)])).settle([3]);
      await hold('b', [claim(4)]);
      await store.close?.();
      assert.deepEqual(await stateOf(await peer()), { used: 3, reserved: 4 });
    },
  );
}
