import { CallbacksConfigurationError } from '../errors/callbacks-error.js';

/** A calendar period, in UTC or a time zone. */
export type CalendarUnit = 'hour' | 'day' | 'month';

/** The period of a limit: a sliding window in milliseconds, a calendar period, or without an end. */
export type WindowLength = number | CalendarUnit | 'lifetime';

/** A period whose use is counted together, in epoch milliseconds; `end` is exclusive. */
export interface WindowBucket {
  readonly start: number;
  readonly end: number;
}

/**
 * The window of a limit, as a sequence of buckets. Use is counted in the bucket in which it was reserved, whenever it
 * is settled, and a bucket counts until `keepMs` after its end: 0 for calendar periods; the window's length for sliding
 * windows, so that the limit holds in every period of that length.
 */
export interface LimitWindow {
  /** Identifies the window: `'60000'`, `'day@UTC'`, `'lifetime'`. */
  readonly id: string;
  readonly keepMs: number;
  /** The length of a bucket if all are equally long: the buckets of sliding windows, which start at its multiples. */
  readonly stepMs?: number;
  /** Returns the bucket of a time. */
  bucketAt(epochMs: number): WindowBucket;
}

/** The number of buckets of a sliding window; so it may count for a sixtieth longer than configured. */
const BUCKETS = 60;
/** The last millisecond that a `Date` can hold. */
const FOR_EVER = 8.64e15;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** @throws CallbacksConfigurationError for an invalid length or time zone */
export function limitWindow(length: WindowLength, timeZone = 'UTC'): LimitWindow {
  if (length === 'lifetime') {
    const all = { start: 0, end: FOR_EVER };
    return { id: 'lifetime', keepMs: 0, bucketAt: () => all };
  }
  if (typeof length === 'number') return slidingWindow(length);
  if (!['hour', 'day', 'month'].includes(length)) throw unknownWindow(length);
  return new CalendarWindow(length, timeZone);
}

function slidingWindow(ms: number): LimitWindow {
  if (!Number.isSafeInteger(ms) || ms <= 0) throw unknownWindow(ms);
  const stepMs = Math.ceil(ms / BUCKETS);
  const bucketAt = (at: number) => {
    const start = at - (at % stepMs);
    return { start, end: start + stepMs };
  };
  return { id: String(ms), keepMs: ms, stepMs, bucketAt };
}

function unknownWindow(length: unknown): Error {
  return new CallbacksConfigurationError(
    `window is ${String(length)}, but must be a whole number of milliseconds, 'hour', 'day', 'month' or 'lifetime'.`,
  );
}

class CalendarWindow implements LimitWindow {
  readonly id: string;
  readonly keepMs = 0;
  readonly #format: Intl.DateTimeFormat;
  /** The period used last; nearly every call is in it. */
  #last: WindowBucket = { start: 0, end: 0 };

  constructor(
    private readonly unit: CalendarUnit,
    timeZone: string,
  ) {
    this.id = `${unit}@${timeZone}`;
    try {
      this.#format = new Intl.DateTimeFormat('en-US', {
        timeZone,
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
      });
    } catch {
      throw new CallbacksConfigurationError(
        `timeZone is ${JSON.stringify(timeZone)}, which is not known; give a name like 'Europe/Berlin'.`,
      );
    }
  }

  bucketAt(epochMs: number): WindowBucket {
    const { start, end } = this.#last;
    if (epochMs < start || epochMs >= end) this.#last = this.#find(epochMs);
    return this.#last;
  }

  #find(at: number): WindowBucket {
    const local = at + this.#offsetAt(at);
    if (this.unit === 'hour') {
      const start = at - (((local % HOUR_MS) + HOUR_MS) % HOUR_MS);
      return { start, end: start + HOUR_MS };
    }
    const date = new Date(local);
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
    const day = this.unit === 'day' ? date.getUTCDate() : 1;
    const start = this.#midnight(Date.UTC(year, month, day));
    const next = this.unit === 'day' ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1);
    return { start, end: this.#midnight(next) };
  }

  /** When a day starts whose midnight in local time is `local`. */
  #midnight(local: number): number {
    // Where clocks change at midnight, it occurs twice, and the first one counts; or never: then the day starts with
    // the change, which is when the old time would have reached it.
    const candidates = [local - DAY_MS, local + DAY_MS].map((near) => local - this.#offsetAt(near));
    const real = candidates.filter((at) => at + this.#offsetAt(at) === local);
    return real.length > 0 ? Math.min(...real) : Math.max(...candidates);
  }

  /** How far the zone's clocks are ahead of UTC, in milliseconds. */
  #offsetAt(at: number): number {
    const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of this.#format.formatToParts(at)) parts[type] = Number(value);
    const { year = 0, month = 1, day, hour, minute, second } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1_000) * 1_000;
  }
}
