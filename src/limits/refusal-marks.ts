import type { LimitCounter } from './limit-store.js';

/** How many keys are remembered; of a key that is forgotten, a second refusal counts as the first one. */
const MAX_MARKS = 10_000;

/** Remembers in this process which keys were refused in their window. */
export class RefusalMarks {
  /** Until when each key's mark holds, in epoch milliseconds. */
  readonly #until = new Map<string, number>();

  /** Notes a refusal; returns whether it is the first one of the key in its window. */
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
