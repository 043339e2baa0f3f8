import { isDeepStrictEqual } from 'node:util';
import { expect, it } from '@jest/globals';
import type {
  LimitClaim,
  LimitGrant,
  LimitRefusal,
  LimitStore,
  LostReservation,
} from 'nestjs-llm-callbacks';
import { limitWindow } from '../../src/limits/limit-window.js';
import { describeStores, START } from '../support/limit-stores.js';
import { Random } from '../support/wire/random.js';

const GROUP = 'random';
const STEPS = 250;
const COUNTERS = [
  { key: 'minute', window: limitWindow(60_000) },
  { key: 'hour', window: limitWindow('hour') },
  { key: 'lifetime', window: limitWindow('lifetime') },
] as const;

interface Call {
  readonly id: string;
  readonly at: number;
  readonly claims: readonly (LimitClaim & { used: number })[];
  readonly onLost?: LostReservation;
  until: number;
  isSettled: boolean;
  settledAt: number;
}

/** The rules in their simplest form: a list of all calls so far. */
class Model {
  readonly calls: Call[] = [];

  usage(key: string, now: number) {
    let [used, reserved] = [0, 0];
    for (const { at, claims, until, isSettled, onLost } of this.calls) {
      for (const claim of claims) {
        const { end } = claim.window.bucketAt(at);
        if (claim.key !== key || end + claim.window.keepMs <= now) continue;
        if (isSettled) used += claim.used;
        else if (until > now) reserved += claim.amount;
        else if (onLost === 'charge') used += claim.amount;
      }
    }
    return { used, reserved };
  }

  /** The granted amounts; `undefined` if the request is rejected. */
  amounts(claims: readonly LimitClaim[], now: number): number[] | undefined {
    const amounts = claims.map(({ key, amount, limit, elastic }) => {
      const { used, reserved } = this.usage(key, now);
      const left = limit - used - reserved;
      if (amount === 0 || amount <= left) return amount;
      return left > 0 && (elastic || used + reserved === 0) ? left : undefined;
    });
    if (claims.some(({ neverFits }) => neverFits)) return undefined;
    return amounts.every((amount) => amount !== undefined) ? amounts : undefined;
  }
}

function amountsOf(outcome: LimitGrant | LimitRefusal): readonly number[] | undefined {
  return outcome.granted ? outcome.amounts : undefined;
}

/** Plays random calls, and returns the differences from the rules. */
async function play(store: LimitStore, clock: { now: number }, random: Random) {
  const mismatches: { is: unknown; should: unknown }[] = [];
  const compare = (is: unknown, should: unknown): void => {
    if (!isDeepStrictEqual(is, should)) mismatches.push({ is, should });
  };
  const model = new Model();
  /** One of the latest calls, which the store still remembers. */
  const recent = (): Call | undefined => {
    const known = model.calls
      .slice(-8)
      .filter(({ isSettled, settledAt, onLost, until }) =>
        isSettled || onLost !== 'charge'
          ? clock.now - settledAt < 600_000
          : clock.now - until < 600_000,
      );
    return known.length > 0 ? random.pick(known) : undefined;
  };
  const actions = {
    async reserve() {
      const claims = COUNTERS.filter(() => random.chance(0.6)).map((counter) => ({
        ...counter,
        amount: random.pick([0, 1, random.int(1, 400), random.int(1, 400), 5_000]),
        limit: random.pick([0, 900, 1_000]),
        elastic: random.chance(0.3),
        ...(random.chance(0.03) && { neverFits: true }),
      }));
      const id = `call${model.calls.length}`;
      const leaseMs = random.int(1_000, 90_000);
      const onLost = random.pick(['release', 'charge', undefined] as const);
      const lost = onLost === undefined ? {} : { onLost };
      const request = { group: GROUP, id, leaseMs, instance: 'test', claims, ...lost };
      const outcome = await store.reserve(request);
      const amounts = model.amounts(claims, clock.now);
      compare(amountsOf(outcome), amounts);
      if (!outcome.granted) return;
      const granted = claims.map((claim, i) => ({ ...claim, amount: amounts![i]!, used: 0 }));
      const call = { id, at: clock.now, claims: granted, until: clock.now + leaseMs, ...lost };
      model.calls.push({ ...call, isSettled: false, settledAt: Infinity });
      if (random.chance(0.1)) compare(amountsOf(await store.reserve(request)), amounts);
    },
    async settle() {
      const call = recent();
      if (call === undefined) return;
      const { id, at } = call;
      const isFree = random.chance(0.3);
      const claims = call.claims.map((claim) => ({
        ...claim,
        used: isFree ? 0 : random.int(0, claim.amount + 20),
      }));
      await store.settle({ group: GROUP, id, at, claims });
      if (call.isSettled) return;
      const settled = { ...call, claims, isSettled: true, settledAt: clock.now };
      model.calls[model.calls.indexOf(call)] = settled;
    },
    async renew() {
      const call = recent();
      if (call === undefined) return;
      const leaseMs = random.int(1_000, 90_000);
      await store.renew([{ group: GROUP, ...call }], leaseMs);
      call.until = clock.now + leaseMs;
    },
    async pass() {
      clock.now += random.pick([1, 999, 5_000, 30_000, 61_000, random.int(1, 2_000_000)]);
    },
  };
  for (let step = 0; step < STEPS; step++) {
    const name = random.pick(['reserve', 'reserve', 'settle', 'settle', 'renew', 'pass'] as const);
    await actions[name]();
    if (mismatches.length > 0) break;
    const states = await store.usage(GROUP, COUNTERS);
    const plain = states.map(({ used, reserved }) => ({ used, reserved }));
    compare(
      plain,
      COUNTERS.map(({ key }) => model.usage(key, clock.now)),
    );
  }
  return mismatches;
}

describeStores('Random use of a limit store', (newStore) => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'matches a simple model of its rules (seed %i)',
    async (seed) => {
      const clock = { now: START };
      expect(await play(newStore(clock), clock, new Random(seed))).toEqual([]);
    },
  );
});
