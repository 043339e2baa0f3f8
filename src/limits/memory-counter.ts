import type { CounterState, LimitClaim, LimitRefusal, SettledClaim } from './limit-store.js';
import type { LimitWindow, WindowBucket } from './limit-window.js';

interface Bucket extends WindowBucket {
  used: number;
  reserved: number;
}

interface Held {
  readonly bucket: Bucket;
  readonly amount: number;
  readonly until: number;
}

type Refusal = Omit<LimitRefusal, 'granted' | 'claim'>;

/** The use of one key in one window, in the memory of this process. */
export class MemoryCounter {
  readonly #buckets = new Map<number, Bucket>();
  readonly #held = new Map<string, Held>();
  /** No lease is over before. */
  #nextLapse = Infinity;
  #limit: number | undefined;
  #told: WindowBucket | undefined;

  constructor(private readonly window: LimitWindow) {}

  state(): CounterState {
    let used = 0;
    let reserved = 0;
    for (const bucket of this.#buckets.values()) {
      used += bucket.used;
      reserved += bucket.reserved;
    }
    return { used, reserved, ...(this.#limit !== undefined && { limit: this.#limit }) };
  }

  /** Forgets what no longer counts. Returns whether anything is left. */
  prune(now: number): boolean {
    if (now >= this.#nextLapse) this.#lapse(now);
    for (const [start, bucket] of this.#buckets) {
      const isEmpty = bucket.used === 0 && bucket.reserved === 0;
      if (isEmpty || !this.#counts(bucket, now)) this.#buckets.delete(start);
    }
    return this.#buckets.size > 0 || this.#held.size > 0;
  }

  /** How much of a claim can be granted. */
  fit({ amount, limit, elastic }: LimitClaim, now: number): number | Refusal {
    const { used, reserved } = this.state();
    const left = limit - used - reserved;
    // What costs nothing fits everywhere.
    if (amount <= Math.max(left, 0)) return amount;
    if (left > 0 && (elastic || left === limit)) return Math.min(amount, left);
    const needed = elastic ? 1 : Math.min(amount, limit);
    const retryAfterMs = limit > 0 ? this.#fitsAfter(needed - left, now) : Infinity;
    return { used, reserved, ...(retryAfterMs < Infinity && { retryAfterMs }) };
  }

  hold(id: string, amount: number, at: number, until: number, limit = this.#limit): void {
    this.#limit = limit;
    const bucket = this.#bucket(at);
    bucket.reserved += amount;
    this.#held.set(id, { bucket, amount, until });
    this.#nextLapse = Math.min(this.#nextLapse, until);
  }

  /** Renews a reservation; one whose lease was over is held again. */
  keep(id: string, amount: number, at: number, until: number, now: number): void {
    const held = this.#held.get(id);
    if (held !== undefined) this.#release(id, held);
    if (this.#counts(this.window.bucketAt(at), now)) this.hold(id, amount, at, until);
  }

  /** Returns what is used by now, where that is to be told. */
  settle(id: string, claim: SettledClaim, at: number, now: number): number | undefined {
    const held = this.#held.get(id);
    if (held !== undefined) this.#release(id, held);
    if (claim.used === 0 || !this.#counts(this.window.bucketAt(at), now)) return undefined;
    this.#bucket(at).used += claim.used;
    const { used } = this.state();
    if (used < (claim.tellFrom ?? Infinity)) return undefined;
    if (this.#told !== undefined && this.#counts(this.#told, now)) return undefined;
    this.#told = this.window.bucketAt(now);
    return used;
  }

  /** Forgets what was used. */
  reset(): void {
    for (const bucket of this.#buckets.values()) bucket.used = 0;
    this.#told = undefined;
  }

  #counts({ end }: WindowBucket, now: number): boolean {
    return end + this.window.keepMs > now;
  }

  #bucket(at: number): Bucket {
    const { start, end } = this.window.bucketAt(at);
    let bucket = this.#buckets.get(start);
    if (bucket === undefined) {
      bucket = { start, end, used: 0, reserved: 0 };
      this.#buckets.set(start, bucket);
    }
    return bucket;
  }

  #release(id: string, { bucket, amount }: Held): void {
    bucket.reserved -= amount;
    this.#held.delete(id);
  }

  #lapse(now: number): void {
    this.#nextLapse = Infinity;
    for (const [id, held] of this.#held) {
      if (held.until <= now) this.#release(id, held);
      else this.#nextLapse = Math.min(this.#nextLapse, held.until);
    }
  }

  /** When so much will have left the window, in milliseconds. */
  #fitsAfter(needed: number, now: number): number {
    if (this.window.id === 'lifetime') return Infinity;
    let freed = 0;
    for (const { end, used, reserved } of [...this.#buckets.values()].toSorted(byStart)) {
      freed += used + reserved;
      if (freed >= needed) return end + this.window.keepMs - now;
    }
    return Infinity;
  }
}

function byStart(a: WindowBucket, b: WindowBucket): number {
  return a.start - b.start;
}
