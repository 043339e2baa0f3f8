import { logText } from '../util/log.js';

/** What stands for names beyond the bound. */
export const OTHER = '_OTHER';

const MAX_NAMES = 200;
const MAX_CHARS = 256;

/**
 * Bounds the values of one attribute: names come from callers, servers and models, and each makes a series of its own.
 */
export class BoundedNames {
  /** As they leave the process. */
  readonly #known = new Map<string, string>();

  /** The name, or {@link OTHER} if it is too long, or there were too many others before it. */
  of(name: string): string {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_NAMES || name.length > MAX_CHARS) return OTHER;
    const safe = logText(name);
    this.#known.set(name, safe);
    return safe;
  }
}
