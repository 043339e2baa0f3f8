import { Injectable } from '@nestjs/common';
import type { ModelTerminalEvent } from '../events/llm.events.js';
import { OnEmbeddingEnd, OnEmbeddingError, OnLlmEnd, OnLlmError } from '../handlers/decorators.js';
import { brand } from '../util/brand.js';

/** The key of the totals of dropped keys. */
const OTHER_KEY = 'other';

/**
 * Totals by key, at most `limit` of them: the least recently used one is folded into `'other'`, so that no sum is lost
 * and memory is bounded, whatever keys occur.
 */
export class BoundedTotals<T> {
  readonly #totals = withJson(new Map<string, T>());

  constructor(
    private readonly limit: number,
    private readonly add: (a: T, b: T) => T,
  ) {}

  /** The least recently used keys come first. */
  get map(): ReadonlyMap<string, T> {
    return this.#totals;
  }

  /** Replaces a key's total, or `undefined`, by the result of `change`. */
  update(key: string, change: (total: T | undefined) => T): void {
    const total = this.#totals.get(key);
    this.#totals.delete(key);
    this.#totals.set(key, change(total));
    if (this.#totals.size > this.limit) this.#foldOldest();
  }

  clear(): void {
    this.#totals.clear();
  }

  #foldOldest(): void {
    const other = this.#totals.get(OTHER_KEY);
    this.#totals.delete(OTHER_KEY);
    let folded = other;
    for (const [key, total] of this.#totals) {
      if (this.#totals.size < this.limit) break;
      this.#totals.delete(key);
      folded = folded === undefined ? total : this.add(folded, total);
    }
    if (folded !== undefined) this.#totals.set(OTHER_KEY, folded);
  }
}

/**
 * Lets a controller return the map, which JSON would write as `{}`. A property, so that it stays a plain `Map`
 * otherwise.
 */
function withJson<T>(map: Map<string, T>): Map<string, T> {
  return Object.defineProperty(map, 'toJSON', { value: () => Object.fromEntries(map) });
}

/** What a model, or a user, has used. */
export interface CostEntry {
  /** US dollars, over the calls with a known price. */
  cost: number;
  tokens: number;
  requests: number;
  /** Calls whose price is unknown. */
  unpriced: number;
}

/** The counts of a {@link CostTracker}, as plain JSON. */
export interface CostSnapshot {
  totalCost: number;
  totalTokens: number;
  requestCount: number;
  unpricedCount: number;
  byModel: Record<string, CostEntry>;
  byUser: Record<string, CostEntry>;
}
/** A value with the type's name, because compilers import the types in decorated signatures. */
export const CostSnapshot: object = Object;

const MAX_KEYS = 10_000;
const NOTHING: Readonly<CostEntry> = { cost: 0, tokens: 0, requests: 0, unpriced: 0 };

/**
 * Adds up the cost of LLM calls and embeddings, failed and cancelled ones included. List it under `providers` and inject it, or add
 * `new CostTracker()` to any `callbacks` list.
 *
 * @example
 * ```ts
 * const { totalCost, byUser } = app.get(CostTracker).snapshot();
 * console.log(totalCost, byUser);
 * ```
 */
@Injectable()
export class CostTracker {
  static {
    brand(this, 'class:CostTracker');
  }

  #total: Readonly<CostEntry> = NOTHING;
  readonly #byModel = new BoundedTotals(MAX_KEYS, addEntries);
  readonly #byUser = new BoundedTotals(MAX_KEYS, addEntries);

  /** US dollars, over the calls with a known price. */
  get totalCost(): number {
    return this.#total.cost;
  }
  get totalTokens(): number {
    return this.#total.tokens;
  }
  /** Logical calls; their retries are not counted. */
  get requestCount(): number {
    return this.#total.requests;
  }
  /** Calls whose price is unknown; `totalCost` does not include them. */
  get unpricedCount(): number {
    return this.#total.unpriced;
  }
  /** By requested model, an object in JSON; the least recently used beyond 10,000 are folded into `'other'`. */
  get byModel(): ReadonlyMap<string, CostEntry> {
    return this.#byModel.map;
  }
  /**
   * By user, `'anonymous'` if unknown, an object in JSON; the least recently used beyond 10,000 are folded into
   * `'other'`.
   */
  get byUser(): ReadonlyMap<string, CostEntry> {
    return this.#byUser.map;
  }

  /** Resets all counts. */
  reset(): void {
    this.#total = NOTHING;
    this.#byModel.clear();
    this.#byUser.clear();
  }

  /** Returns all counts as plain JSON, for instance for a controller. */
  snapshot(): CostSnapshot {
    return {
      totalCost: this.totalCost,
      totalTokens: this.totalTokens,
      requestCount: this.requestCount,
      unpricedCount: this.unpricedCount,
      byModel: Object.fromEntries(this.byModel),
      byUser: Object.fromEntries(this.byUser),
    };
  }

  /** The same as {@link CostTracker.snapshot}, for `JSON.stringify` and controllers that return the tracker itself. */
  toJSON(): CostSnapshot {
    return this.snapshot();
  }

  @OnLlmEnd({ contextFree: true })
  @OnLlmError({ contextFree: true })
  @OnEmbeddingEnd({ contextFree: true })
  @OnEmbeddingError({ contextFree: true })
  protected count(event: ModelTerminalEvent): void {
    const { cost, usage, model, userId } = event;
    const entry = {
      cost: cost ?? 0,
      tokens: usage.totalTokens,
      requests: 1,
      unpriced: cost === null ? 1 : 0,
    };
    this.#total = addEntries(this.#total, entry);
    const add = (total = NOTHING) => addEntries(total, entry);
    this.#byModel.update(model ?? 'unknown', add);
    this.#byUser.update(userId ?? 'anonymous', add);
  }
}

function addEntries(a: Readonly<CostEntry>, b: Readonly<CostEntry>): CostEntry {
  return {
    cost: a.cost + b.cost,
    tokens: a.tokens + b.tokens,
    requests: a.requests + b.requests,
    unpriced: a.unpriced + b.unpriced,
  };
}
