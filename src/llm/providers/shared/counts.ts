/**
 * The highest plausible token count of one answer. Today's largest contexts hold 10 million tokens, and a provider that
 * runs tools itself counts its context once per turn; a higher count is an error of the server.
 */
export const MAX_TOKENS = 50_000_000;

/** Some servers send numbers as text; the decimal point is for servers that write integers as decimals. */
const NUMERIC = /^\s*\d{1,15}(?:\.0+)?\s*$/;

/** A plausible count: finite, whole, from 0 to {@link MAX_TOKENS}; else `undefined`. */
export function readCount(value: unknown): number | undefined {
  const number = typeof value === 'string' && NUMERIC.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) return undefined;
  return number >= 0 && number <= MAX_TOKENS ? number : undefined;
}

/** Reads the counts of one answer, and records whether one of them is implausible. */
export class CountReader {
  /** Whether an implausible count was sent. */
  doubted = false;

  /** The largest valid one of the fields in which servers send a count; `undefined` if none is valid. */
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

  /** A count as a part of another count; 0 if it exceeds it. */
  part(count: number | undefined, whole: number): number {
    if (count === undefined || count <= whole) return count ?? 0;
    this.doubted = true;
    return 0;
  }
}
