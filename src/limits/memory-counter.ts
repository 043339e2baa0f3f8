import type {
  CounterState,
  LimitClaim,
  LimitRefusal,
  LostReservation,
  SettledClaim,
} from './limit-store.js';
import type { LimitWindow, WindowBucket } from './limit-window.js';
import { REMEMBERED_MS } from './settled-ids.js';

interface Bucket extends WindowBucket {
  used: number;
  reserved: number;
}

/** A part of a bucket that may be released, until a time. */
interface Held {
  readonly bucket: Bucket;
  readonly amount: number;
  readonly until: number;
}

/** The amount and lease of a reservation. */
interface Hold extends Pick<Held, 'amount' | 'until'> {
  readonly at: number;
  readonly onLost?: LostReservation | undefined;
}

interface Reserved extends Held, Pick<Hold, 'onLost'> {}

type Refusal = Omit<LimitRefusal, 'granted' | 'claim'>;

/** The use of one key in one window, in the memory of this process. */
export class MemoryCounter {
  readonly #buckets = new Map<number, Bucket>();
  readonly #held = new Map<string, Reserved>();
  /** Reservations whose lease has expired and that count as used, until their calls are settled. */
  readonly #charged = new Map<string, Held>();
  /** No lease expires before this time. */
  #nextLapse = Infinity;
  #limit: number | undefined;
  #reported: WindowBucket | undefined;

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

  /** Drops what no longer counts. Returns whether anything is left. */
  prune(now: number): boolean {
    if (now >= this.#nextLapse) this.#lapse(now);
    for (const [id, { until }] of this.#charged) {
      if (until > now) break;
      this.#charged.delete(id);
    }
    for (const [start, bucket] of this.#buckets) {
      const isEmpty = bucket.used === 0 && bucket.reserved === 0;
      if (isEmpty || !this.#counts(bucket, now)) this.#buckets.delete(start);
    }
    return this.#buckets.size > 0 || this.#held.size > 0;
  }

  /** Returns how much of a claim can be granted. */
  fit({ amount, limit, elastic, neverFits }: LimitClaim, now: number): number | Refusal {
    const { used, reserved } = this.state();
    if (neverFits) return { used, reserved };
    const left = limit - used - reserved;
    // An amount of 0 always fits.
    if (amount <= Math.max(left, 0)) return amount;
    if (left > 0 && (elastic || left === limit)) return Math.min(amount, left);
    const needed = elastic ? 1 : Math.min(amount, limit);
    const retryAfterMs = limit > 0 ? this.#fitsAfter(needed - left, now) : Infinity;
    return { used, reserved, ...(retryAfterMs < Infinity && { retryAfterMs }) };
  }

  hold(id: string, { amount, at, until, onLost }: Hold, limit = this.#limit): void {
    this.#limit = limit;
    const bucket = this.#bucket(at);
    bucket.reserved += amount;
    this.#held.set(id, { bucket, amount, until, onLost });
    this.#nextLapse = Math.min(this.#nextLapse, until);
  }

  /** Renews a reservation; one whose lease has expired is held again. */
  keep(id: string, hold: Hold, now: number): void {
    this.#release(id);
    if (this.#counts(this.window.bucketAt(hold.at), now)) this.hold(id, hold);
  }

  /** Returns the used amount if it is to be reported. */
  settle(id: string, claim: SettledClaim, at: number, now: number): number | undefined {
    this.#release(id);
    if (claim.used === 0 || !this.#counts(this.window.bucketAt(at), now)) return undefined;
    this.#bucket(at).used += claim.used;
    const { used } = this.state();
    if (used < (claim.tellFrom ?? Infinity)) return undefined;
    if (this.#reported !== undefined && this.#counts(this.#reported, now)) return undefined;
    this.#reported = this.window.bucketAt(now);
    return used;
  }

  /** Resets the used amounts, charged ones included. */
  reset(now: number): void {
    this.#lapse(now);
    this.#charged.clear();
    for (const bucket of this.#buckets.values()) bucket.used = 0;
    this.#reported = undefined;
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

  /** Releases a reservation, or what was charged for it. */
  #release(id: string): void {
    const held = this.#held.get(id);
    if (held !== undefined) held.bucket.reserved -= held.amount;
    this.#held.delete(id);
    const charged = this.#charged.get(id);
    if (charged !== undefined) charged.bucket.used -= charged.amount;
    this.#charged.delete(id);
  }

  #lapse(now: number): void {
    this.#nextLapse = Infinity;
    for (const [id, { bucket, amount, until, onLost }] of this.#held) {
      if (until > now) {
        this.#nextLapse = Math.min(this.#nextLapse, until);
        continue;
      }
      this.#release(id);
      if (onLost !== 'charge') continue;
      bucket.used += amount;
      this.#charged.set(id, { bucket, amount, until: now + REMEMBERED_MS });
    }
  }

  /** When enough will have left the window, in milliseconds. */
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
