/** The port of `PORT`, 3000 by default; 0 has the system choose a free one. */
export function portOf(value: string | undefined): number {
  if (value === undefined || value === '') return 3000;
  const port = Number(value);
  if (/^\d+$/.test(value) && port <= 65_535) return port;
  throw new RangeError(`PORT is "${value}". Give a number from 0 to 65535.`);
}
