/** Set by CI for a separate step, in which long tests run whole. */
const IS_FULL = process.env['FULL_SCALE'] === 'true';
const PART = 8;

/** How many of the cases of a long test run: the first part of them, or all of them with `FULL_SCALE=true`. */
export function scaled(count: number): number {
  return IS_FULL ? count : Math.ceil(count / PART);
}

/** The whole list with `FULL_SCALE=true`, else the given number of entries. */
export function scaledList<T>(list: readonly T[], some: number): readonly T[] {
  return IS_FULL ? list : list.slice(0, some);
}
