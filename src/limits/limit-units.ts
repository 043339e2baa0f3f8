import { minInputTokens } from '../llm/call/estimate.js';
import type { InterceptedLlmCall, LlmSpent } from '../llm/intercept-llm.js';
import type { LimitUse } from './limiter-options.js';

/** What a call may use of a limit. */
export interface Expected {
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
  expect(call: InterceptedLlmCall, assumedOutputTokens: number): Expected;
  /** The minimum that a call uses, in the unit itself. */
  least(call: InterceptedLlmCall): number;
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
    const outputTokens = call.request.maxOutputTokens ?? assumedOutputTokens;
    const amount = call.priceOf({ inputTokens, outputTokens }) ?? undefined;
    return { amount, isGuess: true };
  },
  least: (call) =>
    call.priceOf({ inputTokens: minInputTokens(call.request), outputTokens: 0 }) ?? 0,
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
  expect: ({ estimate, request }, assumedOutputTokens) => ({
    amount: estimate.inputTokens + (request.maxOutputTokens ?? assumedOutputTokens),
    isGuess: request.maxOutputTokens === undefined,
  }),
  least: ({ request }) => minInputTokens(request),
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
