import type {
  CounterState,
  LimitClaim,
  LimitCounter,
  LimitRefusal,
  LostReservation,
  SettledClaim,
} from './limit-store.js';
import type { LimitWindow, WindowBucket } from './limit-window.js';

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

/** How long the id of a settled reservation is remembered, so that nothing is settled twice. */
export const REMEMBERED_MS = 600_000;
/** The maximum number of ids of one generation; each takes about 100 bytes. */
const GENERATION = 10_000;

/**
 * Remembers ids for ten minutes, or until 10,000 others follow. They are kept in two generations, the current and the
 * previous one, so that an id needs no object and no timestamp of its own.
 */
export class SettledIds {
  #current = new Set<string>();
  #previous = new Set<string>();
  #begunAt = 0;

  get size(): number {
    return this.#current.size + this.#previous.size;
  }

  has(id: string): boolean {
    return this.#current.has(id) || this.#previous.has(id);
  }

  add(id: string, now: number): void {
    this.forget(now);
    if (this.size === 0) this.#begunAt = now;
    this.#current.add(flat(id));
    if (this.#current.size >= GENERATION) this.#turn(now);
  }

  /** Drops expired ids. */
  forget(now: number): void {
    while (this.size > 0 && now - this.#begunAt >= REMEMBERED_MS) {
      this.#turn(this.#begunAt + REMEMBERED_MS);
    }
  }

  #turn(at: number): void {
    this.#previous = this.#current;
    this.#current = new Set();
    this.#begunAt = at;
  }
}

/**
 * Returns the same text as a flat string: Node joins UUIDs of parts, and keeps the parts as long as the text, 500 bytes
 * in all.
 */
function flat(id: string): string {
  return Buffer.from(id).toString('latin1');
}

/** How many keys are remembered; the next rejection of a forgotten key counts as its first. */
const MAX_MARKS = 10_000;

/** Remembers in this process which keys were rejected in their window. */
export class RefusalMarks {
  /** Until when each key's mark is valid, in epoch milliseconds. */
  readonly #until = new Map<string, number>();

  /** Records a rejection; returns whether it is the key's first one in its window. */
  first(group: string, counter: LimitCounter, now: number): boolean {
    const name = nameOf(group, counter);
    const until = this.#until.get(name);
    if (until !== undefined && until > now) return false;
    const { window } = counter;
    this.#until.delete(name);
    this.#until.set(name, window.bucketAt(now).end + window.keepMs);
    if (this.#until.size > MAX_MARKS) {
      const [oldest] = this.#until.keys();
      this.#until.delete(oldest!);
    }
    return true;
  }

  forget(group: string, counter: LimitCounter): void {
    this.#until.delete(nameOf(group, counter));
  }
}

function nameOf(group: string, { key, window }: LimitCounter): string {
  return `${group}\n${key}\n${window.id}`;
}
