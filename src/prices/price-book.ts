import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { calcPrice as CalcPrice, ModelPrice } from '@pydantic/genai-prices';
import type { Usage } from '../types/usage.js';
import packages from '../util/packages.cjs';

/** The cost of a usage in US dollars; `null` when the model has no known price. */
type Pricing = (usage: Usage) => number | null;

/** The model and provider to price, and the day since the epoch. */
interface Question {
  readonly provider: string;
  readonly answered: string;
  readonly requested: string;
  readonly day: number;
}

/** Model names also come from servers, so the number of remembered ones is bounded. */
const MAX_REMEMBERED = 1_000;
const DAY_MS = 86_400_000;
/** By then, the first request is on its way, and its answer is not yet there. */
const PRELOAD_AFTER_MS = 20;

/**
 * Token prices: the application's own, then the list of `@pydantic/genai-prices`, which is loaded when a price is first
 * asked for. A model is looked up once a day, because prices are dated.
 */
@Injectable()
export class PriceBook implements OnApplicationShutdown {
  readonly #pricings = new Map<string, Pricing>();
  readonly #windows = new Map<string, number | undefined>();
  #overrides: Prices = {};
  #day = 0;
  #last: (Question & { readonly pricing: Pricing }) | undefined;
  #calcPrice: typeof CalcPrice | undefined;
  #preloading: NodeJS.Timeout | undefined;

  /** Sets the application's own prices. */
  override(prices: Prices): void {
    this.#overrides = prices;
  }

  /**
   * Loads the price list while the first request is answered: loading blocks the process for some 25 ms, which the end of
   * a call would have to wait for.
   */
  preload(provider: string, model: string): void {
    if (this.#calcPrice !== undefined || this.#preloading !== undefined) return;
    if (this.#ownOf(provider, model)) return;
    this.#preloading = setTimeout(() => this.#list, PRELOAD_AFTER_MS).unref();
  }

  onApplicationShutdown(): void {
    clearTimeout(this.#preloading);
  }

  /** US dollars, or `null` when no price is known. */
  cost(provider: string, answered: string, requested: string, usage: Usage): number | null {
    if (usage.totalTokens === 0) return 0;
    const question = { provider, answered, requested, day: Math.floor(Date.now() / DAY_MS) };
    try {
      // Most applications call the same model repeatedly.
      if (this.#last === undefined || !isSame(this.#last, question)) {
        this.#last = { ...question, pricing: this.#pricing(question) };
      }
      return this.#last.pricing(usage);
    } catch {
      // The list throws for names and counts that it does not understand; they come from servers.
      return null;
    }
  }

  /** How many tokens the context window of a model holds; `undefined` if it is not known. Loads the price list. */
  contextWindow(provider: string, answered: string, requested: string): number | undefined {
    const key = `${provider}\n${answered}\n${requested}`;
    if (!this.#windows.has(key)) {
      if (this.#windows.size >= MAX_REMEMBERED) this.#windows.clear();
      this.#windows.set(key, this.#windowOf(provider, [answered, requested]));
    }
    return this.#windows.get(key);
  }

  #windowOf(provider: string, models: readonly string[]): number | undefined {
    const own = models.map((model) => this.#overrideOf(provider, model)?.contextWindow);
    try {
      const listed = models.map(
        (model) => () => this.#lookUp(provider, model)?.model.context_window,
      );
      for (const window of [...own, ...listed]) {
        const tokens = typeof window === 'function' ? window() : window;
        if (typeof tokens === 'number' && tokens > 0) return tokens;
      }
    } catch {
      // The list throws for names that it does not understand.
    }
    return undefined;
  }

  #pricing({ provider, answered, requested, day }: Question): Pricing {
    if (day !== this.#day || this.#pricings.size >= MAX_REMEMBERED) this.#pricings.clear();
    this.#day = day;
    const key = `${provider}\n${answered}\n${requested}`;
    let pricing = this.#pricings.get(key);
    if (pricing === undefined) {
      pricing = this.#find(provider, [answered, requested]);
      this.#pricings.set(key, pricing);
    }
    return pricing;
  }

  #find(provider: string, models: readonly string[]): Pricing {
    for (const model of models) {
      const own = this.#ownOf(provider, model);
      if (own) return (usage) => costAt(own, usage);
    }
    for (const model of models) {
      const listed = this.#listed(provider, model);
      if (listed) return listed;
    }
    return () => null;
  }

  #ownOf(provider: string, model: string): Rates | undefined {
    const own = this.#overrideOf(provider, model);
    return own && ratesOfOverride(own);
  }

  #overrideOf(provider: string, model: string): Prices[string] | undefined {
    const key = [`${provider}/${model}`, model].find((one) => Object.hasOwn(this.#overrides, one));
    return key === undefined ? undefined : this.#overrides[key];
  }

  get #list(): typeof CalcPrice {
    clearTimeout(this.#preloading);
    return (this.#calcPrice ??= loadList());
  }

  #lookUp(provider: string, model: string): ReturnType<typeof CalcPrice> {
    const options = { providerId: provider.toLowerCase(), timestamp: new Date() };
    return this.#list({ input_tokens: 1, output_tokens: 1 }, model, options);
  }

  #listed(provider: string, model: string): Pricing | undefined {
    const calcPrice = this.#list;
    const options = { providerId: provider.toLowerCase(), timestamp: new Date() };
    const found = this.#lookUp(provider, model);
    if (!found) return undefined;
    const rates = ratesOfModelPrice(found.model_price);
    if (rates) return (usage) => costAt(rates, usage);
    // The list handles tiers and prices per request.
    const price = (tokens: Record<string, number>) =>
      calcPrice(tokens, model, { ...options, provider: found.provider })?.total_price ?? null;
    if (found.model_price['cache_write_1h_mtok'] !== undefined) {
      return (usage) => price(listUsage(usage));
    }
    return (usage) => withWrites1h(usage, found.model_price, price);
  }
}

/** The cost by a list without a price of one-hour writes: they cost a multiple of the input. */
function withWrites1h(
  usage: Usage,
  modelPrice: ModelPrice,
  price: (tokens: Record<string, number>) => number | null,
): number | null {
  const { write1h } = inputPartsOf(usage);
  const { cache_write_1h_tokens: _, ...tokens } = listUsage(usage);
  // As plain input they still count for the tier, and cost the input price once.
  const once = price({ ...tokens, cache_write_tokens: tokens['cache_write_tokens']! - write1h });
  if (once === null || write1h === 0) return once;
  const rate = inputRateOf(modelPrice, usage.inputTokens);
  return once + ((INPUTS_PER_1H_WRITE - 1) * write1h * rate) / MILLION;
}

/** Without the list, prices are unknown. */
function loadList(): typeof CalcPrice {
  try {
    return packages.genaiPrices().calcPrice;
  } catch {
    return () => null;
  }
}

function isSame(a: Question, b: Question): boolean {
  return (
    a.answered === b.answered &&
    a.requested === b.requested &&
    a.provider === b.provider &&
    a.day === b.day
  );
}

/** A usage in the list's terms; the list rejects more cached tokens than there are. */
function listUsage(usage: Usage): Record<string, number> {
  const { cached, write, write1h } = inputPartsOf(usage);
  return {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cache_read_tokens: cached,
    cache_write_tokens: write + write1h,
    cache_write_1h_tokens: write1h,
  };
}

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
    /**
     * How many tokens the model's context window holds, for `contextShare` of `llm.end`.
     * @default the price list's, if it has one
     */
    contextWindow?: number;
  }
>;

/** US dollars per million tokens. */
interface Rates {
  readonly input: number;
  readonly cachedInput: number;
  readonly cacheWrite: number;
  readonly cacheWrite1h: number;
  readonly output: number;
}

const MILLION = 1_000_000;

/** Anthropic's price of a one-hour cache write, in input tokens: platform.claude.com/docs, "Prompt caching". */
const INPUTS_PER_1H_WRITE = 2;

/** The input of a usage by price. No part exceeds its whole, even with counts of a custom provider. */
interface InputParts {
  readonly plain: number;
  readonly cached: number;
  /** At the usual rate, excluding {@link write1h}. */
  readonly write: number;
  readonly write1h: number;
}

/** Input counts include cached and cache-written tokens, which have separate prices. */
function inputPartsOf(usage: Usage): InputParts {
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

function costAt(rates: Rates, usage: Usage): number {
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

function ratesOfOverride(price: Prices[string]): Rates {
  return {
    input: price.inputPerMillion,
    cachedInput: price.cachedInputPerMillion ?? price.inputPerMillion,
    cacheWrite: price.cacheWritePerMillion ?? price.inputPerMillion,
    cacheWrite1h: price.cacheWrite1hPerMillion ?? INPUTS_PER_1H_WRITE * price.inputPerMillion,
    output: price.outputPerMillion,
  };
}

/** The rates of a listed price; `undefined` if it is not linear in tokens (tiers, prices per request). */
function ratesOfModelPrice(price: ModelPrice): Rates | undefined {
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
function inputRateOf({ input_mtok: price = 0 }: ModelPrice, inputTokens: number): number {
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
