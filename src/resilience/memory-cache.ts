import { brand } from '../util/brand.js';

/** Where a `CacheInterceptor` keeps answers; Nest's own `Cache` (`CACHE_MANAGER`) fits. */
export interface CacheStore {
  /** `undefined` or `null` if there is no entry. */
  get(key: string): unknown;
  /** @param ttlMs how long the entry is valid, in milliseconds */
  set(key: string, value: string, ttlMs: number): unknown;
}
/** A value with the type's name, because compilers import the types in decorated signatures. */
export const CacheStore: object = Object;

interface Entry {
  readonly value: string;
  readonly bytes: number;
  readonly until: number;
}

/** 64 Mi: room for 1,000 answers of some 30,000 characters. */
const MAX_BYTES = 67_108_864;
/** Strings have at most two bytes per UTF-16 unit. */
const BYTES_PER_UNIT = 2;
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Keeps answers in this process, until they expire. The least recently used are dropped when there are too many, or
 * when they are too large together; an answer larger than the whole cache is not kept.
 */
export class MemoryCache implements CacheStore {
  static {
    brand(this, 'class:MemoryCache');
  }

  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #sweeping: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly maxEntries: number,
    private readonly maxBytes = MAX_BYTES,
  ) {}

  /** The number of kept answers, and their maximum size in bytes. */
  get size(): { entries: number; bytes: number } {
    return { entries: this.#entries.size, bytes: this.#bytes };
  }

  get(key: string): string | undefined {
    const entry = this.#take(key);
    if (entry === undefined || entry.until <= Date.now()) return undefined;
    // Moved to the end, the place of the most recently used.
    this.#put(key, entry);
    return entry.value;
  }

  set(key: string, value: string, ttlMs: number): void {
    this.#take(key);
    const bytes = BYTES_PER_UNIT * (key.length + value.length);
    if (bytes > this.maxBytes) return;
    this.#put(key, { value, bytes, until: Date.now() + ttlMs });
    this.#sweepLater(ttlMs);
    while (this.#entries.size > this.maxEntries || this.#bytes > this.maxBytes) {
      const [oldest] = this.#entries.keys();
      this.#take(oldest!);
    }
  }

  #put(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
  }

  #take(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
    return entry;
  }

  /** One timer for all entries, which does not keep the process alive. */
  #sweepLater(ms: number): void {
    if (this.#sweeping !== undefined) return;
    this.#sweeping = setTimeout(() => this.#sweep(), Math.min(ms, MAX_TIMER_MS)).unref();
  }

  /** Drops expired entries. */
  #sweep(): void {
    this.#sweeping = undefined;
    const now = Date.now();
    let next = Infinity;
    for (const [key, { until }] of this.#entries) {
      if (until <= now) this.#take(key);
      else next = Math.min(next, until - now);
    }
    if (next < Infinity) this.#sweepLater(next);
  }
}
