import type { LimitCounter } from './limit-store.js';

/** How many keys are remembered; the next rejection of a forgotten key counts as its first. */
const MAX_MARKS = 10_000;

/** Remembers in this process which keys were rejected in their window. */
export class RefusalMarks {
  /** Until when each key's mark is valid, in epoch milliseconds. */
  readonly #until = new Map<string, number>();

  /** Records a rejection; returns whether it is the key's first one in its window. */
  first(group: string, counter: LimitCounter, now: number): boolean {
    const name = nameOf(group, counter);
    const until = this.#until.get(name);
    if (until !== undefined && until > now) return false;
    const { window } = counter;
    this.#until.delete(name);
    this.#until.set(name, window.bucketAt(now).end + window.keepMs);
    if (this.#until.size > MAX_MARKS) {
      const [oldest] = this.#until.keys();
      this.#until.delete(oldest!);
    }
    return true;
  }

  forget(group: string, counter: LimitCounter): void {
    this.#until.delete(nameOf(group, counter));
  }
}

function nameOf(group: string, { key, window }: LimitCounter): string {
  return `${group}\n${key}\n${window.id}`;
}
