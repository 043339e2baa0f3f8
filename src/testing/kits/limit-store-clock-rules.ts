import assert from 'node:assert/strict';
import type { Kit } from './kit.js';
import {
  amountsOf,
  claim,
  FREE,
  GROUP,
  LEASE_MS,
  refusalOf,
  START,
  stateOf,
  type AddTest,
} from './limit-store-bench.js';

const SHORT_LEASE_MS = 50;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export function testLeases(test: AddTest): void {
  test(
    'reserve',
    'a reservation no longer counts when its lease has expired',
    async ({ clock, hold, reserve }) => {
      await hold('a', [claim(10)]);
      clock.advance(LEASE_MS - 1);
      refusalOf(await reserve('b', [claim(1)]));
      clock.advance(1);
      assert.deepEqual(amountsOf(await reserve('c', [claim(10)])), [10]);
    },
  );

  test(
    'renew',
    'a renewed reservation is kept, and reserved again if its lease had expired',
    async ({ store, clock, hold }) => {
      const call = await hold('a', [claim(4)]);
      clock.advance(LEASE_MS - 1);
      await call.renew();
      clock.advance(LEASE_MS - 1);
      assert.deepEqual(await stateOf(store), { used: 0, reserved: 4 });
      clock.advance(1);
      assert.deepEqual(await stateOf(store), FREE);
      await call.renew();
      assert.deepEqual(await stateOf(store), { used: 0, reserved: 4 });
    },
  );

  test(
    'settle',
    'the usage of a call is counted once, also if its lease had expired',
    async ({ store, clock, hold }) => {
      const call = await hold('a', [claim(4)]);
      clock.advance(5 * LEASE_MS);
      assert.deepEqual(await stateOf(store), FREE);
      await call.settle([3]);
      await call.settle([3]);
      assert.deepEqual(await stateOf(store), { used: 3, reserved: 0 });
    },
  );

  const lost = { onLost: 'charge' } as const;
  test(
    'reserve',
    "with onLost 'charge', an expired reservation counts as used",
    async ({ store, clock, hold, reserve }) => {
      await hold('a', [claim(8)], lost);
      clock.advance(LEASE_MS);
      assert.deepEqual(await stateOf(store), { used: 8, reserved: 0 });
      refusalOf(await reserve('b', [claim(3)]));
    },
  );

  test(
    'settle',
    'the actual usage of a late settlement replaces the charged amount',
    async ({ store, clock, hold }) => {
      const call = await hold('a', [claim(8)], lost);
      clock.advance(LEASE_MS);
      assert.deepEqual(await stateOf(store), { used: 8, reserved: 0 });
      await call.settle([3]);
      await call.settle([3]);
      assert.deepEqual(await stateOf(store), { used: 3, reserved: 0 });
    },
  );

  test(
    'renew',
    'a charged reservation that is renewed is reserved again',
    async ({ store, clock, hold }) => {
      const call = await hold('a', [claim(8)], lost);
      clock.advance(LEASE_MS);
      assert.deepEqual(await stateOf(store), { used: 8, reserved: 0 });
      await call.renew();
      assert.deepEqual(await stateOf(store), { used: 0, reserved: 8 });
    },
  );
}

export function testRealLease(test: AddTest, kit: Kit): void {
  test(
    'reserve',
    'a reservation no longer counts when its lease has expired',
    async ({ hold, reserve }) => {
      await hold('a', [claim(10)], { leaseMs: SHORT_LEASE_MS });
      let tries = 0;
      const granted = await kit.eventually(
        'the expired reservation is not released',
        async () => (await reserve(`b${tries++}`, [claim(10)])).granted,
      );
      assert.equal(granted, true);
    },
  );
}

export function testWindows(test: AddTest): void {
  test(
    'reserve',
    'a sliding window counts the use of every interval of its length',
    async ({ clock, hold, reserve }) => {
      const length = MINUTE;
      await (await hold('a', [claim(6, { length })])).settle([6]);
      clock.advance(40_000);
      await (await hold('b', [claim(4, { length })])).settle([4]);
      clock.set(START + MINUTE);
      assert.equal(refusalOf(await reserve('c', [claim(1, { length })])).retryAfterMs, 1_000);
      clock.advance(1_000);
      await (await hold('d', [claim(6, { length })])).settle([6]);
      assert.equal(refusalOf(await reserve('e', [claim(1, { length })])).retryAfterMs, 40_000);
    },
  );

  test(
    'reserve',
    'retryAfterMs is when enough use has left the window',
    async ({ clock, hold, reserve }) => {
      const length = MINUTE;
      for (const id of ['a', 'b', 'c', 'd', 'e']) {
        await (await hold(id, [claim(2, { length })])).settle([2]);
        clock.advance(10_000);
      }
      const retryAfter = async (id: string, amount: number) =>
        refusalOf(await reserve(id, [claim(amount, { length })])).retryAfterMs;
      assert.equal(await retryAfter('f', 3), 21_000);
      assert.equal(await retryAfter('g', 99), 51_000);
    },
  );

  test(
    'reserve',
    'the longest wait of the claims that do not fit is reported',
    async ({ hold, reserve }) => {
      const claims = [claim(10, { length: 'hour' }), claim(10, { length: 'day' })];
      await (await hold('a', claims)).settle([10, 10]);
      const { claim: index, retryAfterMs } = refusalOf(await reserve('b', claims));
      assert.deepEqual({ index, retryAfterMs }, { index: 1, retryAfterMs: 16 * HOUR });
    },
  );

  test('reserve', 'each calendar period starts from zero', async ({ clock, hold, reserve }) => {
    const length = 'hour';
    clock.advance(59 * MINUTE);
    await (await hold('a', [claim(10, { length })])).settle([10]);
    assert.equal(refusalOf(await reserve('b', [claim(1, { length })])).retryAfterMs, MINUTE);
    clock.advance(MINUTE);
    assert.deepEqual(amountsOf(await reserve('c', [claim(10, { length })])), [10]);
  });

  test(
    'settle',
    'a call counts in the period in which it was reserved',
    async ({ store, clock, hold }) => {
      const length = 'day';
      clock.advance(16 * HOUR - 1);
      const late = await hold('a', [claim(9, { length })]);
      clock.advance(1);
      const early = await hold('b', [claim(9, { length })]);
      await late.settle([8]);
      await early.settle([7]);
      assert.deepEqual(await stateOf(store, { length }), { used: 7, reserved: 0 });
    },
  );

  for (const [name, length, later] of [
    ['calendar period', 'hour', HOUR],
    ['sliding window', MINUTE, 61_000],
  ] as const) {
    test(
      'settle',
      `a reached tellFrom is reported again in the next ${name}`,
      async ({ clock, hold }) => {
        const use = async (id: string) => (await hold(id, [claim(9, { length })])).settle([9], 8);
        assert.deepEqual(await use('a'), [{ claim: 0, used: 9 }]);
        clock.advance(later);
        assert.deepEqual(await use('b'), [{ claim: 0, used: 9 }]);
      },
    );
  }

  test(
    'markRefused',
    'resolves to true again in the next window of the counter',
    async ({ store, clock }) => {
      if (store.markRefused === undefined) return;
      const counter = claim(0, { length: 'hour' });
      assert.equal(await store.markRefused(GROUP, counter), true);
      clock.advance(59 * MINUTE);
      assert.equal(await store.markRefused(GROUP, counter), false);
      clock.advance(MINUTE);
      assert.equal(await store.markRefused(GROUP, counter), true);
    },
  );
}
