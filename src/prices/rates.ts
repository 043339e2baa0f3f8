import type { ModelPrice } from '@pydantic/genai-prices';
import type { Usage } from '../types/usage.js';

/** Prices by `'model'` or `'provider/model'`, in US dollars per million tokens. */
export type Prices = Record<
  string,
  {
    inputPerMillion: number;
    outputPerMillion: number;
    /** @default `inputPerMillion` */
    cachedInputPerMillion?: number;
    /** @default `inputPerMillion` */
    cacheWritePerMillion?: number;
    /**
     * The price of `Usage.cacheWrite1hTokens`.
     * @default 2 × `inputPerMillion`
     */
    cacheWrite1hPerMillion?: number;
  }
>;

/** US dollars per million tokens. */
export interface Rates {
  readonly input: number;
  readonly cachedInput: number;
  readonly cacheWrite: number;
  readonly cacheWrite1h: number;
  readonly output: number;
}

export const MILLION = 1_000_000;

/** Anthropic's price of a one-hour cache write, in input tokens: platform.claude.com/docs, "Prompt caching". */
export const INPUTS_PER_1H_WRITE = 2;

/** The input of a usage by price. No part exceeds its whole, even with counts of a custom provider. */
export interface InputParts {
  readonly plain: number;
  readonly cached: number;
  /** At the usual rate, excluding {@link write1h}. */
  readonly write: number;
  readonly write1h: number;
}

/** Input counts include cached and cache-written tokens, which have separate prices. */
export function inputPartsOf(usage: Usage): InputParts {
  const cached = Math.min(usage.cachedInputTokens, usage.inputTokens);
  const written = Math.min(usage.cacheWriteTokens, usage.inputTokens - cached);
  const write1h = Math.min(usage.cacheWrite1hTokens, written);
  return {
    plain: usage.inputTokens - cached - written,
    cached,
    write: written - write1h,
    write1h,
  };
}

export function costAt(rates: Rates, usage: Usage): number {
  const { plain, cached, write, write1h } = inputPartsOf(usage);
  return (
    (plain * rates.input +
      cached * rates.cachedInput +
      write * rates.cacheWrite +
      write1h * rates.cacheWrite1h +
      usage.outputTokens * rates.output) /
    MILLION
  );
}

export function ratesOfOverride(price: Prices[string]): Rates {
  return {
    input: price.inputPerMillion,
    cachedInput: price.cachedInputPerMillion ?? price.inputPerMillion,
    cacheWrite: price.cacheWritePerMillion ?? price.inputPerMillion,
    cacheWrite1h: price.cacheWrite1hPerMillion ?? INPUTS_PER_1H_WRITE * price.inputPerMillion,
    output: price.outputPerMillion,
  };
}

/** The rates of a listed price; `undefined` if it is not linear in tokens (tiers, prices per request). */
export function ratesOfModelPrice(price: ModelPrice): Rates | undefined {
  const { input_mtok: input, output_mtok: output, requests_kcount: perRequest } = price;
  const { cache_read_mtok: cachedInput = input, cache_write_mtok: cacheWrite = input } = price;
  if (perRequest !== undefined || typeof input !== 'number') return undefined;
  const { cache_write_1h_mtok: cacheWrite1h = INPUTS_PER_1H_WRITE * input } = price;
  const rates = { input, cachedInput, cacheWrite, cacheWrite1h, output };
  return Object.values(rates).every((rate) => typeof rate === 'number')
    ? (rates as Rates)
    : undefined;
}

/**
 * The input price of a model for a number of input tokens, in US dollars per million; a tier applies above its start.
 */
export function inputRateOf({ input_mtok: price = 0 }: ModelPrice, inputTokens: number): number {
  if (typeof price === 'number') return price;
  let rate = price.base;
  let from = -1;
  for (const tier of price.tiers) {
    if (inputTokens <= tier.start || tier.start < from) continue;
    from = tier.start;
    rate = tier.price;
  }
  return rate;
}
