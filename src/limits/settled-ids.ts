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
    const key = flat(id);
    return this.#current.has(key) || this.#previous.has(key);
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
