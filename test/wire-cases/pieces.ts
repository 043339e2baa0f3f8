import { Random } from '../support/wire/random.js';

/** How the bytes of an answer are split. */
export type Division = 'whole' | 'cut at random places' | 'byte by byte';

export const DIVISIONS: readonly Division[] = ['whole', 'cut at random places', 'byte by byte'];

/** The bytes of a body in pieces; the same name splits at the same places. */
export function piecesOf(body: string, division: Division, name: string): Uint8Array[] {
  const bytes = Buffer.from(body);
  if (division === 'whole' || bytes.length < 2) return [bytes];
  const places =
    division === 'byte by byte'
      ? Array.from({ length: bytes.length - 1 }, (_, index) => index + 1)
      : new Random(seedOf(`${name} ${division}`)).cuts(bytes.length);
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
}

function seedOf(text: string): number {
  let seed = 0;
  for (const byte of Buffer.from(text)) seed = (Math.imul(seed, 31) + byte) >>> 0;
  return seed;
}
