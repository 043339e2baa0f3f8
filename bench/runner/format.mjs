const TIMES = [
  ['ns', 1],
  ['µs', 1e3],
  ['ms', 1e6],
  ['s', 1e9],
];
const SIZES = [
  ['B', 1],
  ['KB', 1e3],
  ['MB', 1e6],
];

/** Of nanoseconds. */
export function time(ns) {
  return inUnit(ns, TIMES);
}

export function bytes(count) {
  return inUnit(count, SIZES);
}

/** Three digits, where there are as many that count. */
export function number(value) {
  const size = Math.abs(value);
  if (size >= 1_000) return Math.round(value).toLocaleString('en');
  const text = value.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
  return Number(text) === 0 ? '0' : text;
}

/** A median, and between what the middle half lies. */
export function spread({ median, low, high }, write = (value) => value.toFixed(2)) {
  return `${write(median)} (${write(low)} – ${write(high)})`;
}

/** In the largest unit of which there is at least one. */
function inUnit(value, units) {
  const [unit, size] = units.findLast(([, least]) => Math.abs(value) >= least) ?? units[0];
  return `${number(value / size)} ${unit}`;
}
