const NOT_BEGUN = -1;

/**
 * Finds out whether a text that grows is complete JSON: a whole object or list. Each character is looked at once, however
 * often the question is asked.
 */
export class JsonEnd {
  #at = 0;
  #depth = NOT_BEGUN;
  #isInText = false;

  /** @param text what it was the last time, with more behind it */
  isComplete(text: string): boolean {
    for (; this.#at < text.length; this.#at++) this.#step(text.charAt(this.#at));
    return this.#depth === 0;
  }

  #step(character: string): void {
    if (this.#isInText) {
      // What is escaped ends no text.
      if (character === '\\') this.#at++;
      else if (character === '"') this.#isInText = false;
    } else if (character === '"') this.#isInText = true;
    else if (character === '{' || character === '[')
      this.#depth = this.#depth === NOT_BEGUN ? 1 : this.#depth + 1;
    else if (character === '}' || character === ']') this.#depth--;
  }
}
