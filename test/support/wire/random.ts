/** Repeatable random choices: the same seed creates the same test. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** At least 0, less than 1; by the algorithm "mulberry32". */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.int(0, from.length - 1)]!;
  }

  /** The given number of values, each newly created. */
  times<T>(min: number, max: number, make: (index: number) => T): T[] {
    return Array.from({ length: this.int(min, max) }, (_, index) => make(index));
  }

  /** Text of one to four bytes a character, with characters that confuse line-based parsers. */
  text(maxWords = 12): string {
    return this.times(0, maxWords, () => this.pick(WORDS)).join(this.pick(['', ' ']));
  }

  /** The text in pieces; some split characters into surrogates, as models do that write byte by byte. */
  pieces(text: string): string[] {
    const pieces: string[] = [];
    const characters = this.chance(0.2) ? text.split('') : Array.from(text);
    while (characters.length > 0) pieces.push(characters.splice(0, this.int(1, 9)).join(''));
    return pieces;
  }

  /** The lists merged into one, each in its own order. */
  interleave<T>(lists: readonly (readonly T[])[]): T[] {
    const mixed: T[] = [];
    const isFull = (list: readonly T[]) => list.length > 0;
    for (let left = lists.map((list) => [...list]).filter(isFull); left.length > 0;) {
      mixed.push(this.pick(left).shift()!);
      left = left.filter(isFull);
    }
    return mixed;
  }

  /** Ascending places at which to split the given number of bytes. */
  cuts(length: number): number[] {
    const places = new Set(this.times(0, 24, () => this.int(1, length - 1)));
    return [...places].toSorted((a, b) => a - b);
  }

  /** A JSON object, written in one of several ways. */
  json(): string {
    const value = Object.fromEntries(
      this.times(0, 4, (i) => [
        `${this.pick(WORDS)}${i}`,
        this.pick<unknown>([
          this.text(4),
          this.int(-9, 9),
          this.next(),
          null,
          true,
          [this.text(2)],
          { a: {} },
        ]),
      ]),
    );
    return JSON.stringify(value, null, this.pick([0, 0, 2]));
  }
}

const WORDS = [
  'word',
  'Straße',
  'naïve',
  'Ω',
  '東京',
  '안녕',
  'שלום',
  '👩‍👩‍👧',
  '🚀',
  '𝕏',
  'e\u0301',
  '\n',
  '\r\n',
  '\t',
  '\u2028',
  '\u0000',
  '"quoted"',
  '\\',
  'data: [DONE]',
  'event: error',
  '\n\n',
  ':',
  '\ufeff',
];
