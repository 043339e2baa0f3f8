import { expect, it } from '@jest/globals';
import type { LimitClaim, LimitGrant, LimitStore } from 'nestjs-llm-callbacks';
import { limitWindow, type WindowLength } from '../../src/limits/limit-window.js';
import { describeStores, START } from '../support/limit-stores.js';

const GROUP = 'limits';
const LEASE_MS = 60_000;
const MINUTE = 60_000;

function claim(amount: number, options: Partial<LimitClaim> & { length?: WindowLength } = {}) {
  const { length = 'lifetime', ...rest } = options;
  return { key: 'k', window: limitWindow(length), amount, limit: 10, elastic: false, ...rest };
}

function reserve(store: LimitStore, id: string, ...claims: LimitClaim[]) {
  return store.reserve({ group: GROUP, id, leaseMs: LEASE_MS, instance: 'test', claims });
}

/** A granted reservation, to be settled. */
async function hold(store: LimitStore, id: string, ...claims: LimitClaim[]) {
  const { at, amounts } = (await reserve(store, id, ...claims)) as LimitGrant;
  const held = claims.map((one, i) => ({ ...one, amount: amounts[i]! }));
  return {
    amounts,
    settle: (...used: number[]) => settle(used),
    settledWithNotice: (tellFrom: number, ...used: number[]) => settle(used, tellFrom),
    renew: (leaseMs = LEASE_MS) => store.renew([{ group: GROUP, id, at, claims: held }], leaseMs),
  };
  function settle(used: number[], tellFrom?: number) {
    const settled = held.map((one, i) => ({
      ...one,
      used: used[i]!,
      ...(tellFrom !== undefined && { tellFrom }),
    }));
    return store.settle({ group: GROUP, id, at, claims: settled });
  }
}

async function stateOf(store: LimitStore, length: WindowLength = 'lifetime', key = 'k') {
  const [state] = await store.usage(GROUP, [{ key, window: limitWindow(length) }]);
  return { used: state!.used, reserved: state!.reserved };
}

describeStores('A limit store', (newStore) => {
  it('replaces the reserved amount by the used amount', async () => {
    const store = newStore();
    const call = await hold(store, 'a', claim(4));
    expect(await stateOf(store)).toEqual({ used: 0, reserved: 4 });

    await call.settle(3);

    expect(await stateOf(store)).toEqual({ used: 3, reserved: 0 });
  });

  it('rejects an amount that does not fit beside the reservations', async () => {
    const store = newStore();
    await hold(store, 'a', claim(4));
    await (await hold(store, 'b', claim(3))).settle(3);

    expect(await reserve(store, 'c', claim(4))).toEqual({
      granted: false,
      claim: 0,
      used: 3,
      reserved: 4,
    });
    expect(await reserve(store, 'd', claim(3))).toMatchObject({ granted: true, amounts: [3] });
  });

  it('grants one of many concurrent reservations', async () => {
    const store = newStore();
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => reserve(store, `c${i}`, claim(6))),
    );
    expect(outcomes.filter(({ granted }) => granted)).toHaveLength(1);
  });

  it('reserves all claims or none', async () => {
    const store = newStore();
    await hold(store, 'a', claim(8, { key: 'tight' }));

    const outcome = await reserve(store, 'b', claim(5), claim(5, { key: 'tight' }));

    expect(outcome).toMatchObject({ granted: false, claim: 1 });
    expect(await stateOf(store)).toEqual({ used: 0, reserved: 0 });
  });

  it('reports the claim that has to wait longest', async () => {
    const clock = { now: START };
    const store = newStore(clock);
    const claims = [claim(10, { length: 'hour' }), claim(10), claim(10, { length: 'day' })];
    await (await hold(store, 'a', ...claims)).settle(10, 10, 10);

    expect(await reserve(store, 'b', ...claims)).toMatchObject({ claim: 1 });
    const [hour, , day] = claims as [LimitClaim, LimitClaim, LimitClaim];
    expect(await reserve(store, 'c', hour, day)).toMatchObject({
      claim: 1,
      retryAfterMs: 16 * 60 * MINUTE,
    });
  });

  it('grants a claim that exceeds the whole limit while nothing has been used', async () => {
    const store = newStore();
    const call = await hold(store, 'a', claim(25));
    expect(call.amounts).toEqual([10]);
    expect(await reserve(store, 'b', claim(25))).toMatchObject({ granted: false });

    await call.settle(1);

    expect(await reserve(store, 'c', claim(25))).toMatchObject({ granted: false });
  });

  it('grants an elastic claim the remaining amount, until none is left', async () => {
    const store = newStore();
    await (await hold(store, 'a', claim(7))).settle(7);

    expect(await reserve(store, 'b', claim(8, { elastic: true }))).toMatchObject({ amounts: [3] });
    expect(await reserve(store, 'c', claim(8, { elastic: true }))).toMatchObject({
      granted: false,
    });
  });

  it('counts usage beyond the limit, and then grants only free claims', async () => {
    const store = newStore();
    await (await hold(store, 'a', claim(1))).settle(12);

    expect(await stateOf(store)).toEqual({ used: 12, reserved: 0 });
    expect(await reserve(store, 'b', claim(1, { elastic: true }))).toMatchObject({
      granted: false,
    });
    expect(await reserve(store, 'c', claim(0))).toMatchObject({ granted: true });
  });

  it('rejects every billable claim with a limit of 0', async () => {
    const store = newStore();
    expect(await reserve(store, 'a', claim(1, { limit: 0, elastic: true }))).toEqual({
      granted: false,
      claim: 0,
      used: 0,
      reserved: 0,
    });
    expect(await reserve(store, 'b', claim(0, { limit: 0 }))).toMatchObject({ granted: true });
  });

  it('adds integers up to the largest safe one', async () => {
    const store = newStore();
    const limit = Number.MAX_SAFE_INTEGER;
    await (await hold(store, 'a', claim(limit - 1, { limit }))).settle(limit - 1);

    expect(await reserve(store, 'b', claim(2, { limit }))).toMatchObject({ granted: false });
    await (await hold(store, 'c', claim(1, { limit }))).settle(1);
    expect(await stateOf(store)).toEqual({ used: limit, reserved: 0 });
  });

  it('reserves, settles and releases once, however often it is called', async () => {
    const store = newStore();
    const call = await hold(store, 'a', claim(4));
    expect((await hold(store, 'a', claim(4))).amounts).toEqual([4]);
    expect(await stateOf(store)).toEqual({ used: 0, reserved: 4 });

    await call.settle(3);
    await call.settle(3);
    await call.settle(0);
    await call.renew();

    expect(await stateOf(store)).toEqual({ used: 3, reserved: 0 });
    await expect(reserve(store, 'a', claim(4))).rejects.toThrow('settled before it was made');
  });

  it('separates groups, keys and windows', async () => {
    const store = newStore();
    await hold(store, 'a', claim(4), claim(5, { key: 'other' }), claim(6, { length: 'day' }));

    expect(await stateOf(store)).toMatchObject({ reserved: 4 });
    expect(await stateOf(store, 'lifetime', 'other')).toMatchObject({ reserved: 5 });
    expect(await stateOf(store, 'day')).toMatchObject({ reserved: 6 });
    const window = limitWindow('lifetime');
    expect(await store.usage('others', [{ key: 'k', window }])).toEqual([{ used: 0, reserved: 0 }]);
  });

  it('releases a reservation when its lease expires', async () => {
    const clock = { now: START };
    const store = newStore(clock);
    await hold(store, 'a', claim(10));

    clock.now += LEASE_MS - 1;
    expect(await reserve(store, 'b', claim(1))).toMatchObject({ granted: false });
    clock.now += 1;
    expect(await reserve(store, 'c', claim(10))).toMatchObject({ granted: true });
  });

  it('keeps a renewed reservation, also after its lease expired', async () => {
    const clock = { now: START };
    const store = newStore(clock);
    const call = await hold(store, 'a', claim(4));

    clock.now += LEASE_MS - 1;
    await call.renew();
    clock.now += LEASE_MS - 1;
    expect(await stateOf(store)).toEqual({ used: 0, reserved: 4 });
    clock.now += 1;
    expect(await stateOf(store)).toEqual({ used: 0, reserved: 0 });
    await call.renew();
    expect(await stateOf(store)).toEqual({ used: 0, reserved: 4 });
  });

  it('counts the usage of a call with an expired lease once', async () => {
    const clock = { now: START };
    const store = newStore(clock);
    const call = await hold(store, 'a', claim(4));
    clock.now += 5 * LEASE_MS;
    expect(await stateOf(store)).toEqual({ used: 0, reserved: 0 });

    await call.settle(3);
    await call.settle(3);

    expect(await stateOf(store)).toEqual({ used: 3, reserved: 0 });
  });

  it('counts usage in every interval of a sliding window', async () => {
    const clock = { now: START };
    const store = newStore(clock);
    const length = MINUTE;
    await (await hold(store, 'a', claim(6, { length }))).settle(6);
    clock.now += 40_000;
    await (await hold(store, 'b', claim(4, { length }))).settle(4);

    clock.now = START + MINUTE;
    expect(await reserve(store, 'c', claim(1, { length }))).toMatchObject({
      granted: false,
      retryAfterMs: 1_000,
    });
    clock.now += 1_000;
    await (await hold(store, 'd', claim(6, { length }))).settle(6);
    expect(await reserve(store, 'e', claim(1, { length }))).toMatchObject({
      granted: false,
      retryAfterMs: 40_000,
    });
  });

  it('reports when enough usage will have left a sliding window', async () => {
    const clock = { now: START };
    const store = newStore(clock);
    const length = MINUTE;
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      await (await hold(store, id, claim(2, { length }))).settle(2);
      clock.now += 10_000;
    }
    clock.now = START + 50_000;
    expect(await reserve(store, 'f', claim(3, { length }))).toMatchObject({ retryAfterMs: 21_000 });
    expect(await reserve(store, 'g', claim(99, { length }))).toMatchObject({
      retryAfterMs: 51_000,
    });
  });

  it('settles a call in the period in which it was reserved', async () => {
    const clock = { now: START + 16 * 60 * MINUTE - 1 };
    const store = newStore(clock);
    const late = await hold(store, 'a', claim(9, { length: 'day' }));
    clock.now += 1;
    const early = await hold(store, 'b', claim(9, { length: 'day' }));

    await late.settle(8);
    await early.settle(7);

    expect(await stateOf(store, 'day')).toEqual({ used: 7, reserved: 0 });
  });

  it('starts from zero in each calendar period', async () => {
    const clock = { now: START + 59 * MINUTE };
    const store = newStore(clock);
    await (await hold(store, 'a', claim(10, { length: 'hour' }))).settle(10);
    expect(await reserve(store, 'b', claim(1, { length: 'hour' }))).toMatchObject({
      granted: false,
      retryAfterMs: MINUTE,
    });

    clock.now += MINUTE;

    expect(await reserve(store, 'c', claim(10, { length: 'hour' }))).toMatchObject({
      granted: true,
    });
  });

  it('reports a reached threshold once per window', async () => {
    const clock = { now: START };
    const store = newStore(clock);
    const use = async (id: string, used: number) =>
      (await hold(store, id, claim(used, { length: 'hour' }))).settledWithNotice(8, used);
    expect(await use('a', 7)).toEqual([]);
    expect(await use('b', 1)).toEqual([{ claim: 0, used: 8 }]);
    expect(await use('c', 1)).toEqual([]);

    clock.now += 60 * MINUTE;
    expect(await use('d', 9)).toEqual([{ claim: 0, used: 9 }]);
  });

  it('reports a threshold again in a sliding window when its length has passed', async () => {
    const clock = { now: START };
    const store = newStore(clock);
    const use = async (id: string) =>
      (await hold(store, id, claim(9, { length: MINUTE }))).settledWithNotice(8, 9);
    expect(await use('a')).toHaveLength(1);
    clock.now += 61_000;
    expect(await use('b')).toHaveLength(1);
  });

  it('resets the usage, and settles calls in progress', async () => {
    const store = newStore();
    await (await hold(store, 'a', claim(6))).settledWithNotice(5, 6);
    const call = await hold(store, 'b', claim(3));

    await store.reset(GROUP, [claim(0)]);

    expect(await stateOf(store)).toEqual({ used: 0, reserved: 3 });
    expect(await call.settledWithNotice(2, 2)).toEqual([{ claim: 0, used: 2 }]);
    expect(await stateOf(store)).toEqual({ used: 2, reserved: 0 });
  });

  it('remembers the limit of the last reservation', async () => {
    const store = newStore();
    await hold(store, 'a', claim(1, { limit: 10 }));
    await hold(store, 'b', claim(1, { limit: 12 }));
    expect(await store.usage(GROUP, [claim(0)])).toEqual([{ used: 0, reserved: 2, limit: 12 }]);
  });
});
