/** The key of the totals of dropped keys. */
export const OTHER_KEY = 'other';

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
