/** Where a `CacheInterceptor` keeps answers; Nest's own `Cache` (`CACHE_MANAGER`) is one. */
export interface CacheStore {
  /** `undefined` or `null` where there is nothing. */
  get(key: string): unknown;
  /** @param ttlMs how long it may be given out, in milliseconds */
  set(key: string, value: string, ttlMs: number): unknown;
}

/** Keeps answers in this process; the least recently used go when there are too many. */
export class MemoryCache implements CacheStore {
  readonly #entries = new Map<string, { readonly value: string; readonly until: number }>();

  constructor(private readonly maxEntries: number) {}

  get(key: string): string | undefined {
    const entry = this.#entries.get(key);
    this.#entries.delete(key);
    if (entry === undefined || entry.until <= Date.now()) return undefined;
    // Back at the end, where those are that were used last.
    this.#entries.set(key, entry);
    return entry.value;
  }

  set(key: string, value: string, ttlMs: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, until: Date.now() + ttlMs });
    if (this.#entries.size <= this.maxEntries) return;
    const [oldest] = this.#entries.keys();
    this.#entries.delete(oldest!);
  }
}
