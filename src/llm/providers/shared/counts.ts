/**
 * The most tokens that a count of one answer may say. The largest contexts of today hold 10 million tokens, and a
 * provider that runs tools by itself counts its context once a turn; beyond that a server does not count, it errs.
 */
export const MAX_TOKENS = 50_000_000;

/** Some servers send numbers as text; the point belongs to those that write whole numbers as decimals. */
const NUMERIC = /^\s*\d{1,15}(?:\.0+)?\s*$/;

/** A count that may be right: finite, whole, from 0 to {@link MAX_TOKENS}; else `undefined`. */
export function readCount(value: unknown): number | undefined {
  const number = typeof value === 'string' && NUMERIC.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) return undefined;
  return number >= 0 && number <= MAX_TOKENS ? number : undefined;
}

/** Reads the counts of one answer, and keeps in mind whether one of them cannot be right. */
export class CountReader {
  /** Whether a count was sent that cannot be right. */
  doubted = false;

  /** The largest valid one of the fields in which servers send a count; `undefined` where none is valid. */
  largest(...fields: unknown[]): number | undefined {
    let largest: number | undefined;
    let isSent = false;
    for (const field of fields) {
      const count = readCount(field);
      if (count !== undefined) largest = Math.max(largest ?? 0, count);
      else if (field !== undefined && field !== null) isSent = true;
    }
    if (largest === undefined && isSent) this.doubted = true;
    return largest;
  }

  /** A count as a part of another one; 0 where it is above that. */
  part(count: number | undefined, whole: number): number {
    if (count === undefined || count <= whole) return count ?? 0;
    this.doubted = true;
    return 0;
  }
}
