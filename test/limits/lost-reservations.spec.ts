import { afterEach, describe, expect, it } from '@jest/globals';
import {
  CostLimiter,
  MemoryLimitStore,
  type LimitGrant,
  type LimitStore,
  type ReserveRequest,
} from 'nestjs-llm-callbacks';
import { limitWindow } from '../../src/limits/limit-window.js';
import { closeApps } from '../support/app.js';
import { describeStores, START } from '../support/limit-stores.js';
import { startLimited } from '../support/limited.js';

afterEach(closeApps);

const LEASE_MS = 60_000;
const COUNTER = { key: 'k', window: limitWindow('lifetime') };

/** Reserves 4 of 10; the amount counts as used when the lease expires. */
async function hold(store: LimitStore, id: string) {
  const held = { group: 'limits', id, onLost: 'charge' as const };
  const claim = { ...COUNTER, amount: 4, limit: 10, elastic: false };
  const request = { ...held, leaseMs: LEASE_MS, instance: 'test', claims: [claim] };
  const { at } = (await store.reserve(request)) as LimitGrant;
  return {
    settle: (used: number) => store.settle({ ...held, at, claims: [{ ...claim, used }] }),
    renew: () => store.renew([{ ...held, at, claims: [claim] }], LEASE_MS),
  };
}

async function stateOf(store: LimitStore) {
  const [state] = await store.usage('limits', [COUNTER]);
  return { used: state!.used, reserved: state!.reserved };
}

describeStores('A reservation whose process died, by onLostReservation: charge', (newStore) => {
  async function lost() {
    const clock = { now: START };
    const store = newStore(clock);
    const call = await hold(store, 'a');
    clock.now += LEASE_MS - 1;
    expect(await stateOf(store)).toEqual({ used: 0, reserved: 4 });
    clock.now += 1;
    return { clock, store, call };
  }

  it('counts as used, once', async () => {
    const { store, clock } = await lost();
    expect(await stateOf(store)).toEqual({ used: 4, reserved: 0 });
    clock.now += 24 * 60 * LEASE_MS;
    expect(await stateOf(store)).toEqual({ used: 4, reserved: 0 });
  });

  it('is replaced by the actual usage if the process was only slow', async () => {
    const { store, call } = await lost();
    expect(await stateOf(store)).toEqual({ used: 4, reserved: 0 });
    await call.settle(1);
    await call.settle(1);
    expect(await stateOf(store)).toEqual({ used: 1, reserved: 0 });
  });

  it('is released if the call used nothing', async () => {
    const { store, call } = await lost();
    await stateOf(store);
    await call.settle(0);
    expect(await stateOf(store)).toEqual({ used: 0, reserved: 0 });
  });

  it('is reserved again when it is renewed', async () => {
    const { store, call, clock } = await lost();
    await stateOf(store);
    await call.renew();
    expect(await stateOf(store)).toEqual({ used: 0, reserved: 4 });
    clock.now += LEASE_MS;
    expect(await stateOf(store)).toEqual({ used: 4, reserved: 0 });
    await call.settle(3);
    expect(await stateOf(store)).toEqual({ used: 3, reserved: 0 });
  });

  it.each(['after', 'before'])('is dropped by a reset %s it was charged', async (when) => {
    const { store, call } = await lost();
    if (when === 'after') await stateOf(store);
    await store.reset('limits', [COUNTER]);
    expect(await stateOf(store)).toEqual({ used: 0, reserved: 0 });
    await call.settle(3);
    expect(await stateOf(store)).toEqual({ used: 3, reserved: 0 });
  });
});

describe('onLostReservation of a limiter', () => {
  it.each(['release', 'charge'] as const)('is passed to its store: %s', async (onLost) => {
    const asked: (string | undefined)[] = [];
    const store = new MemoryLimitStore();
    const reserve = store.reserve.bind(store);
    store.reserve = (request: ReserveRequest) => {
      asked.push(request.onLost);
      return reserve(request);
    };
    const renewed = new Promise<string | undefined>((resolve) => {
      store.renew = async ([held]) => resolve(held?.onLost);
    });
    const options = { maxCost: 1, store, leaseMs: 3, onLostReservation: onLost };
    const { llm, provider } = await startLimited([new CostLimiter(options)], 'by hand');
    const call = llm.generate('hi', { maxOutputTokens: 1 });
    await provider.asked(1);
    expect(await renewed).toBe(onLost);
    provider.requests[0]!.answer(1);
    await call;
    expect(asked).toEqual([onLost]);
  });

  it('is release by default', async () => {
    const asked: (string | undefined)[] = [];
    const store = new MemoryLimitStore();
    const reserve = store.reserve.bind(store);
    store.reserve = (request) => {
      asked.push(request.onLost);
      return reserve(request);
    };
    const { llm } = await startLimited([new CostLimiter({ maxCost: 1, store })]);
    await llm.generate('hi');
    expect(asked).toEqual(['release']);
  });
});
