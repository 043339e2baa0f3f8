import { LimitKeyMissingError, UnknownPriceError } from '../errors/callback-errors.js';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { InterceptedModelCall } from '../llm/interceptors.js';
import type { LimiterSettings } from './check-limiter-options.js';
import { isThenable } from '../util/promises.js';
import type { CounterState } from './limit-store.js';
import type { WindowLength } from './limit-window.js';
import {
  checkAmount,
  counterKey,
  fromStored,
  GLOBAL,
  type Limit,
  ownerOf,
  type ReservationAmount,
  toStored,
} from './limit.js';
import type { LimiterUsage, LimitUse } from './limiter-options.js';

/**
 * Returns what a call reserves of each limit, at once unless a limit is read asynchronously.
 *
 * @throws LimitKeyMissingError, UnknownPriceError, or CallbacksConfigurationError for an invalid limit
 */
export function reservationAmounts(
  call: InterceptedModelCall,
  settings: LimiterSettings,
  limiter: string,
): ReservationAmount[] | Promise<ReservationAmount[]> {
  const { limits } = settings;
  const owners = limits.map((limit) => ownerIn(limit, call, settings, limiter));
  const claimsOf = (amounts: readonly unknown[]) =>
    limits.map((limit, i) => claimOf(limit, owners[i]!, amounts[i], call, settings, limiter));
  const amounts: (number | Promise<number>)[] = limits.map(({ amount }) =>
    typeof amount === 'function' ? amount(call.event) : amount,
  );
  if (!amounts.some(isThenable)) return claimsOf(amounts);
  return Promise.all(amounts.map(async (amount) => amount)).then(claimsOf);
}

function ownerIn(
  source: Limit,
  call: InterceptedModelCall,
  { onMissingKey }: LimiterSettings,
  limiter: string,
): string {
  const owner = ownerOf(source, call) ?? (onMissingKey === GLOBAL ? GLOBAL : undefined);
  if (owner === undefined) throw missingKey(limiter, source.per);
  return owner;
}

function claimOf(
  source: Limit,
  owner: string,
  given: unknown,
  call: InterceptedModelCall,
  settings: LimiterSettings,
  limiter: string,
): ReservationAmount {
  const { unit, window } = source;
  const limit = checkAmount(unit, given);
  if (typeof limit === 'string') throw new CallbacksConfigurationError(`${limiter}: ${limit}.`);
  const { amount, isGuess } = unit.expect(call, settings.assumedOutputTokens);
  if (amount === undefined && settings.unknownPrice === 'refuse') throw unknownPrice(limiter, call);
  const stored = toStored(unit, amount ?? 0);
  return {
    source,
    owner,
    key: counterKey(source, owner),
    window,
    limit,
    amount: stored,
    elastic: isGuess,
    ...(stored > limit && leastOf(source, call, limit)),
    ...thresholdOf(limit, settings),
  };
}

/** The minimum that a call uses, if the call certainly cannot fit. */
function leastOf({ unit }: Limit, call: InterceptedModelCall, limit: number) {
  const least = toStored(unit, unit.least(call));
  return least > limit ? { neverFits: true, least } : {};
}

function missingKey(limiter: string, per: Limit['per']): LimitKeyMissingError {
  const what = typeof per === 'function' ? 'key by the function of its limit' : `${per}Id`;
  return new LimitKeyMissingError(
    `${limiter}: the call has no ${what}, so that its limit is not known. Set it by the context of forRoot, callbacks.run() or the call's options, or set onMissingKey: 'global'. Field resolvers of GraphQL need fieldResolverEnhancers: ['interceptors'].`,
    { limiter },
  );
}

function unknownPrice(limiter: string, { provider, request }: InterceptedModelCall): Error {
  return new UnknownPriceError(
    `${limiter}: the price of ${provider}/${request.model} is not known; give it in forRoot({ prices }), or set unknownPrice: 'allow'.`,
    { limiter },
  );
}

/** Products such as `0.07 * 100` are slightly too large. */
const NOISE = 1e-6;

function thresholdOf(limit: number, { onThreshold, threshold }: LimiterSettings) {
  if (onThreshold === undefined || limit === 0) return {};
  return { tellFrom: Math.ceil(limit * threshold - NOISE) };
}

/** Returns how much is used of each limit, and which limit is nearest to exhaustion. */
export function usageOf(
  limits: readonly Limit[],
  owners: readonly string[],
  states: readonly CounterState[],
): LimiterUsage {
  const uses = limits.map((limit, i) => useOf(limit, owners[i]!, states[i]!));
  const nearest = uses.reduce((a, b) => (fullness(b) > fullness(a) ? b : a));
  return { ...nearest, limits: uses };
}

function useOf(source: Limit, key: string, state: CounterState): LimitUse {
  const { unit, per, length, window } = source;
  const fixed = typeof source.amount === 'function' ? undefined : checkAmount(unit, source.amount);
  const stored = typeof fixed === 'number' ? fixed : state.limit;
  const limit = stored === undefined ? null : fromStored(unit, stored);
  const left = Math.max(0, (stored ?? 0) - state.used - state.reserved);
  return {
    key,
    unit: unit.id,
    per: typeof per === 'function' ? 'function' : per,
    window: length,
    used: fromStored(unit, state.used),
    reserved: fromStored(unit, state.reserved),
    limit,
    remaining: limit === null || limit === Infinity ? limit : fromStored(unit, left),
    ...(isCalendar(length) && { resetsAt: window.bucketAt(Date.now()).end }),
  };
}

function isCalendar(length: WindowLength): boolean {
  return typeof length === 'string' && length !== 'lifetime';
}

/** A limit of 0 counts as full. */
function fullness({ used, reserved, limit }: LimitUse): number {
  if (limit === null) return 0;
  return limit === 0 ? 1 : (used + reserved) / limit;
}
