import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { isOptions, unknownOption } from '../util/known-options.js';
import type { LimitStore } from './limit-store.js';
import { limitWindow, type WindowLength } from './limit-window.js';
import { checkAmount, DOLLARS, type Limit, type LimitUnit, REQUESTS, TOKENS } from './limit.js';
import type {
  CostLimit,
  CostLimiterOptions,
  LimitAmount,
  LimiterOptions,
  LimitPer,
  RateLimit,
  RateLimiterOptions,
} from './limiter-options.js';

/** The options that may change, checked and with defaults. */
export interface LimiterSettings extends Required<
  Pick<LimiterOptions, 'mode' | 'maxQueue' | 'onMissingKey' | 'threshold' | 'assumedOutputTokens'>
> {
  /** The limits that every call must fit. */
  readonly limits: readonly Limit[];
  /** Called when a threshold is crossed. */
  readonly onThreshold: LimiterOptions['onThreshold'];
  /** What happens to a call whose price is not known. */
  readonly unknownPrice: 'refuse' | 'allow';
}

const COST_LIMIT = ['maxCost', 'per', 'window', 'timeZone'] as const satisfies (keyof CostLimit)[];
const RATE_LIMIT = [
  'requestsPerMinute',
  'tokensPerMinute',
  'per',
] as const satisfies (keyof RateLimit)[];
const COMMON = [
  'name',
  'store',
  'mode',
  'maxQueue',
  'onMissingKey',
  'onThreshold',
  'threshold',
  'assumedOutputTokens',
  'onStoreError',
  'replicas',
  'leaseMs',
  'onLostReservation',
] as const satisfies (keyof LimiterOptions)[];
const STORE = [
  'reserve',
  'settle',
  'renew',
  'usage',
  'reset',
] as const satisfies (keyof LimitStore)[];
const MAX_LEASE_MS = 86_400_000;
const MINUTE_MS = 60_000;

export function checkCostLimiter(options: CostLimiterOptions): LimiterSettings {
  knows('CostLimiter', options, [...COMMON, ...COST_LIMIT, 'limits', 'unknownPrice']);
  const { unknownPrice = 'refuse' } = options;
  oneOf('unknownPrice', unknownPrice, ['refuse', 'allow']);
  const limits = oneOrSeveral<CostLimit>(options, COST_LIMIT).flatMap((one) =>
    limitsOf([[DOLLARS, one.maxCost]], one.per, one.window ?? 'lifetime', one.timeZone),
  );
  return { ...checkCommon(options, limits), unknownPrice };
}

export function checkRateLimiter(options: RateLimiterOptions): LimiterSettings {
  knows('RateLimiter', options, [...COMMON, ...RATE_LIMIT, 'limits']);
  const limits = oneOrSeveral<RateLimit>(options, RATE_LIMIT).flatMap((one) =>
    limitsOf(
      [
        [REQUESTS, one.requestsPerMinute],
        [TOKENS, one.tokensPerMinute],
      ],
      one.per,
      MINUTE_MS,
    ),
  );
  return { ...checkCommon(options, limits), unknownPrice: 'refuse' };
}

/** Rejects invalid values of the options that cannot change after construction. */
export function checkFixed(options: LimiterOptions): void {
  const { name, store, onStoreError, replicas, leaseMs, onLostReservation } = options;
  if (name !== undefined && (typeof name !== 'string' || name === '')) fail('name must be a text.');
  if (store !== undefined && !STORE.every((method) => typeof store?.[method] === 'function')) {
    fail(`store must be a LimitStore, like new MemoryLimitStore(), with ${STORE.join(', ')}.`);
  }
  oneOf('onStoreError', onStoreError, ['open', 'closed', 'local']);
  whole('replicas', replicas, 1, Number.MAX_SAFE_INTEGER);
  whole('leaseMs', leaseMs, 1, MAX_LEASE_MS);
  oneOf('onLostReservation', onLostReservation, ['release', 'charge']);
}

function checkCommon(options: LimiterOptions, found: Omit<Limit, 'owners'>[]) {
  const { mode = 'reject', maxQueue = 1_000, onMissingKey = 'refuse', onThreshold } = options;
  const { threshold = 0.8, assumedOutputTokens = 4_096 } = options;
  oneOf('mode', mode, ['reject', 'wait']);
  whole('maxQueue', maxQueue, 0, Number.MAX_SAFE_INTEGER);
  oneOf('onMissingKey', onMissingKey, ['refuse', 'global']);
  if (!(threshold > 0 && threshold <= 1)) fail('threshold must be a number above 0 and up to 1.');
  whole('assumedOutputTokens', assumedOutputTokens, 1, Number.MAX_SAFE_INTEGER);
  if (onThreshold !== undefined && typeof onThreshold !== 'function')
    fail('onThreshold must be a function.');
  const limits = withOwners(found);
  return { mode, maxQueue, onMissingKey, onThreshold, threshold, assumedOutputTokens, limits };
}

/** The limits of the options themselves, or of their list `limits`. */
function oneOrSeveral<L extends object>(
  options: Partial<L> & { limits?: L[] },
  names: readonly (keyof L & string)[],
): Partial<L>[] {
  const { limits } = options;
  if (limits === undefined) return [options];
  const beside = names.filter((name) => options[name] !== undefined);
  if (beside.length > 0) fail(`${beside.join(', ')} beside limits: give one or the other.`);
  if (!Array.isArray(limits) || limits.length === 0) fail('limits must be a list of limits.');
  for (const one of limits) knows('One of the limits', one, names);
  return limits;
}

function limitsOf(
  amounts: readonly [LimitUnit, LimitAmount | undefined][],
  per: LimitPer = 'global',
  length: WindowLength,
  timeZone?: string,
): Omit<Limit, 'owners'>[] {
  if (typeof per !== 'function') oneOf('per', per, ['global', 'user', 'tenant', 'model']);
  const window = limitWindow(length, timeZone);
  const given = amounts.flatMap(([unit, amount]) =>
    amount === undefined ? [] : [{ unit, amount }],
  );
  if (given.length === 0) fail(`give ${amounts.map(([unit]) => unit.option).join(' or ')}.`);
  return given.map(({ unit, amount }) => {
    const checked = typeof amount === 'function' ? 0 : checkAmount(unit, amount);
    if (typeof checked === 'string') fail(`${checked}.`);
    return { unit, amount, per, length, window };
  });
}

/** Each function has its own keys: `'function0'`, `'function1'` … */
function withOwners(limits: Omit<Limit, 'owners'>[]): Limit[] {
  const functions = [...new Set(limits.map(({ per }) => per))].filter(
    (per) => typeof per === 'function',
  );
  const seen = new Set<string>();
  return limits.map((limit) => {
    const { per, unit, window } = limit;
    const owners = typeof per === 'function' ? `function${functions.indexOf(per)}` : per;
    const counter = `${unit.id} ${owners} ${window.id}`;
    if (seen.has(counter)) fail('two limits count the same: keep the lower one.');
    seen.add(counter);
    return { ...limit, owners };
  });
}

function knows(what: string, options: object, names: readonly string[]): void {
  if (!isOptions(options)) fail(`${what} needs options.`);
  const unknown = unknownOption(options, new Set(names));
  if (unknown !== undefined) fail(`${what} has no ${unknown}.`);
}

function oneOf(name: string, value: unknown, allowed: readonly unknown[]): void {
  if (value === undefined || allowed.includes(value)) return;
  fail(`${name} must be ${allowed.map((one) => `'${String(one)}'`).join(' or ')}.`);
}

function whole(name: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least && value <= most))
    return;
  fail(`${name} must be a whole number from ${least} to ${most}.`);
}

function fail(problem: string): never {
  throw new CallbacksConfigurationError(`Options of a limiter: ${problem}`);
}
