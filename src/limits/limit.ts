import { createHash } from 'node:crypto';
import type { ModelStartEvent } from '../events/event-map.js';
import type { InterceptedModelCall, LlmSpent } from '../llm/interceptors.js';
import type { LimitClaim } from './limit-store.js';
import type { LimitWindow, WindowLength } from './limit-window.js';
import type { LimitAmount, LimitPer, LimitUse } from './limiter-options.js';

/** A checked limit. */
export interface Limit {
  readonly unit: LimitUnit;
  readonly amount: LimitAmount;
  readonly per: LimitPer;
  /** Identifies the kind of keys: `'user'`, or `'function0'` for the first function. */
  readonly owners: string;
  readonly length: WindowLength;
  readonly window: LimitWindow;
}

/** What a call reserves of a limit. */
export interface ReservationAmount extends LimitClaim {
  readonly source: Limit;
  /** The key, as reported. */
  readonly owner: string;
  /** The minimum that the call uses; set if that exceeds the whole limit. */
  readonly least?: number;
  readonly tellFrom?: number;
}

/** The key of calls without a key. */
export const GLOBAL = 'global';
const MAX_KEY_LENGTH = 128;
/** Half of a surrogate pair, which no encoding can write. */
const BROKEN = /\p{Surrogate}/u;

/** Returns the key of a call; `undefined` if it has none. */
export function ownerOf(
  { per }: Limit,
  { event, request }: InterceptedModelCall,
): string | undefined {
  const key = typeof per === 'function' ? per(event) : OWNERS[per](event, request.model);
  return typeof key === 'string' && key !== '' ? key : undefined;
}

const OWNERS = {
  global: () => GLOBAL,
  user: (event: ModelStartEvent) => event.userId,
  tenant: (event: ModelStartEvent) => event.tenantId,
  model: (_event: ModelStartEvent, model: string) => model,
} satisfies Record<string, (event: ModelStartEvent, model: string) => string | undefined>;

/** Returns the key under which a store counts. */
export function counterKey({ unit, owners }: Limit, owner: string): string {
  return `${unit.id}:${owners}:${encodeKey(owner)}`;
}

/** Keys come from users: of any length, and with any characters. */
export function encodeKey(key: string): string {
  if (key.length <= MAX_KEY_LENGTH && !BROKEN.test(key)) return encodeURIComponent(key);
  return `#${createHash('sha256').update(key, 'utf16le').digest('base64url')}`;
}

/** Returns the limit in the store's unit, or what is wrong with it. */
export function checkAmount(unit: LimitUnit, amount: unknown): number | string {
  const { option, scale } = unit;
  const most = Number.MAX_SAFE_INTEGER / scale;
  if (amount === Infinity) return Number.MAX_SAFE_INTEGER;
  if (typeof amount !== 'number' || !(amount >= 0 && amount <= most)) {
    return `${option} is ${describe(amount)}, but must be a number from 0 to ${Math.floor(most)}, or Infinity`;
  }
  if (scale === 1 && !Number.isInteger(amount))
    return `${option} is ${amount}, but must be a whole number`;
  return toStored(unit, amount);
}

function describe(value: unknown): string {
  return typeof value === 'number' ? String(value) : `of type ${typeof value}`;
}

/** What a call may use of a limit. */
interface Expected {
  /** In the unit itself; `undefined` if unknown. */
  readonly amount: number | undefined;
  /** Whether the actual amount may be higher. */
  readonly isGuess: boolean;
}

/** What is counted, and how stores count it: in whole numbers. */
export interface LimitUnit {
  readonly id: LimitUse['unit'];
  /** The option that sets the limit. */
  readonly option: 'maxCost' | 'requestsPerMinute' | 'tokensPerMinute';
  /** How many of the store's units make one unit. */
  readonly scale: number;
  expect(call: InterceptedModelCall, assumedOutputTokens: number): Expected;
  /** The minimum that a call uses, in the unit itself. */
  least(call: InterceptedModelCall): number;
  /** The used amount; `undefined` if unknown. */
  spent(spent: LlmSpent): number | undefined;
  write(amount: number): string;
}

/** A billionth of a dollar: a token costs a few of them. */
const NANO_DOLLARS = 1_000_000_000;
const DECIMALS = 9;

export const DOLLARS: LimitUnit = {
  id: 'usd',
  option: 'maxCost',
  scale: NANO_DOLLARS,
  expect: (call, assumedOutputTokens) => {
    const { inputTokens, maxCost } = call.estimate;
    if (maxCost !== null) return { amount: maxCost, isGuess: false };
    const outputTokens = call.maxOutputTokens ?? assumedOutputTokens;
    const amount = call.priceOf({ inputTokens, outputTokens }) ?? undefined;
    return { amount, isGuess: true };
  },
  least: (call) => call.priceOf({ inputTokens: call.minInputTokens, outputTokens: 0 }) ?? 0,
  spent: ({ cost }) => cost ?? undefined,
  write: (amount) => `$${amount.toFixed(DECIMALS).replace(/\.?0+$/, '')}`,
};

export const REQUESTS: LimitUnit = {
  id: 'requests',
  option: 'requestsPerMinute',
  scale: 1,
  expect: () => ({ amount: 1, isGuess: false }),
  least: () => 1,
  spent: ({ requests }) => requests,
  write: (amount) => `${amount} request${amount === 1 ? '' : 's'}`,
};

export const TOKENS: LimitUnit = {
  id: 'tokens',
  option: 'tokensPerMinute',
  scale: 1,
  expect: ({ estimate, maxOutputTokens }, assumedOutputTokens) => ({
    amount: estimate.inputTokens + (maxOutputTokens ?? assumedOutputTokens),
    isGuess: maxOutputTokens === undefined,
  }),
  least: ({ minInputTokens }) => minInputTokens,
  spent: ({ usage }) => usage.totalTokens,
  write: (amount) => `${amount} token${amount === 1 ? '' : 's'}`,
};

/** Converts to the unit itself; no limit is `Infinity`. */
export function fromStored({ scale }: LimitUnit, stored: number): number {
  return stored >= Number.MAX_SAFE_INTEGER ? Infinity : stored / scale;
}

/** Converts to the store's unit. */
export function toStored({ scale }: LimitUnit, amount: number): number {
  return Math.min(Math.round(amount * scale), Number.MAX_SAFE_INTEGER);
}
