const NOT_BEGUN = -1;

/**
 * Detects whether a growing text is complete JSON: a whole object or list. Each character is read once, however often
 * it is called.
 */
export class JsonEnd {
  #at = 0;
  #depth = NOT_BEGUN;
  #isInText = false;

  /** @param text the last text, with more appended */
  isComplete(text: string): boolean {
    for (; this.#at < text.length; this.#at++) this.#step(text.charAt(this.#at));
    return this.#depth === 0;
  }

  #step(character: string): void {
    if (this.#isInText) {
      // An escaped character does not end a text.
      if (character === '\\') this.#at++;
      else if (character === '"') this.#isInText = false;
    } else if (character === '"') this.#isInText = true;
    else if (character === '{' || character === '[')
      this.#depth = this.#depth === NOT_BEGUN ? 1 : this.#depth + 1;
    else if (character === '}' || character === ']') this.#depth--;
  }
}
