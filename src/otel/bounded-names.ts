/** What stands for names beyond the bound. */
export const OTHER = '_OTHER';

const MAX_NAMES = 200;
const MAX_CHARS = 256;

/**
 * Bounds the values of one attribute: names come from callers, servers and models, and each makes a series of its own.
 */
export class BoundedNames {
  readonly #known = new Set<string>();

  /** The name, or {@link OTHER} if it is too long, or there were too many others before it. */
  of(name: string): string {
    if (this.#known.has(name)) return name;
    if (this.#known.size >= MAX_NAMES || name.length > MAX_CHARS) return OTHER;
    this.#known.add(name);
    return name;
  }
}
