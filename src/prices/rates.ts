import type { ModelPrice } from '@pydantic/genai-prices';
import type { Usage } from '../shapes/index.js';

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
  }
>;

/** US dollars per million tokens. */
export interface Rates {
  readonly input: number;
  readonly cachedInput: number;
  readonly cacheWrite: number;
  readonly output: number;
}

const MILLION = 1_000_000;

/** Input counts include cached and cache-written tokens, which have prices of their own. */
export function costAt(rates: Rates, usage: Usage): number {
  const plainInput = Math.max(
    0,
    usage.inputTokens - usage.cachedInputTokens - usage.cacheWriteTokens,
  );
  return (
    (plainInput * rates.input +
      usage.cachedInputTokens * rates.cachedInput +
      usage.cacheWriteTokens * rates.cacheWrite +
      usage.outputTokens * rates.output) /
    MILLION
  );
}

export function ratesOfOverride(price: Prices[string]): Rates {
  return {
    input: price.inputPerMillion,
    cachedInput: price.cachedInputPerMillion ?? price.inputPerMillion,
    cacheWrite: price.cacheWritePerMillion ?? price.inputPerMillion,
    output: price.outputPerMillion,
  };
}

/** The rates of a listed price; `undefined` where it is not linear in tokens (tiers, prices per request). */
export function ratesOfModelPrice(price: ModelPrice): Rates | undefined {
  const { input_mtok: input, output_mtok: output, requests_kcount: perRequest } = price;
  const { cache_read_mtok: cachedInput = input, cache_write_mtok: cacheWrite = input } = price;
  if (perRequest !== undefined) return undefined;
  const rates = { input, cachedInput, cacheWrite, output };
  return Object.values(rates).every((rate) => typeof rate === 'number')
    ? (rates as Rates)
    : undefined;
}
