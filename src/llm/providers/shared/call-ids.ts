import { createHash } from 'node:crypto';

/** Which tool call ids a provider accepts. */
export interface IdRule {
  readonly fits: RegExp;
  /** The length of an id that replaces an invalid one. */
  readonly length: number;
  /** The range in which an id may stand for only one call. */
  readonly uniqueIn: 'turn' | 'conversation';
}

/** Digits that every provider accepts. */
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * Gives the calls of a conversation ids that a provider accepts. A valid id stays as it is. An invalid one is replaced
 * by an id derived from it, the same in each request, so that the provider's prompt cache still matches. Two ids never
 * become one.
 */
export class CallIds {
  readonly #taken = new Set<string>();

  /** @param given the ids of all calls, turn by turn */
  constructor(
    private readonly rule: IdRule,
    private readonly given: readonly (readonly string[])[],
  ) {}

  /** The ids of all calls, in the same order. */
  assign(): string[][] {
    const kept = this.given.map((ids) => this.#keep(ids));
    return kept.map((ids, turn) => {
      if (this.rule.uniqueIn === 'turn') this.#restart(ids);
      return ids.map((id, place) => id ?? this.#make(this.given[turn]![place]!));
    });
  }

  /** The ids that may stay. */
  #keep(ids: readonly string[]): (string | undefined)[] {
    if (this.rule.uniqueIn === 'turn') this.#taken.clear();
    return ids.map((id) => {
      if (!this.rule.fits.test(id) || this.#taken.has(id)) return undefined;
      this.#taken.add(id);
      return id;
    });
  }

  #restart(kept: readonly (string | undefined)[]): void {
    this.#taken.clear();
    for (const id of kept) if (id !== undefined) this.#taken.add(id);
  }

  #make(id: string): string {
    for (let n = 0; ; n++) {
      const made = digest(`${n}:${id}`).slice(0, this.rule.length);
      if (this.#taken.has(made)) continue;
      this.#taken.add(made);
      return made;
    }
  }
}

function digest(text: string): string {
  const bytes = createHash('sha256').update(text).digest();
  return Array.from(bytes, (byte) => DIGITS[byte % DIGITS.length]).join('');
}
