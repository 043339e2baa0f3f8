import { createHash } from 'node:crypto';
import type { LlmStartEvent } from '../events/llm.events.js';
import type { InterceptedLlmCall } from '../llm/intercept-llm.js';
import type { LimitClaim } from './limit-store.js';
import { toStored, type LimitUnit } from './limit-units.js';
import type { LimitWindow, WindowLength } from './limit-window.js';
import type { LimitAmount, LimitPer } from './limiter-options.js';

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
  { event, request }: InterceptedLlmCall,
): string | undefined {
  const key = typeof per === 'function' ? per(event) : OWNERS[per](event, request.model);
  return typeof key === 'string' && key !== '' ? key : undefined;
}

const OWNERS = {
  global: () => GLOBAL,
  user: (event: LlmStartEvent) => event.userId,
  tenant: (event: LlmStartEvent) => event.tenantId,
  model: (_event: LlmStartEvent, model: string) => model,
} satisfies Record<string, (event: LlmStartEvent, model: string) => string | undefined>;

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
