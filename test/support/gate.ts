/** Blocks its callers until it is opened, and counts them. */
export class Gate {
  #open!: () => void;
  readonly opened = new Promise<void>((resolve) => (this.#open = resolve));
  #entered = 0;
  readonly #watchers: { readonly count: number; readonly resolve: () => void }[] = [];

  /** The number of callers so far. */
  get entered(): number {
    return this.#entered;
  }

  /** Waits until the gate is opened. */
  pass(): Promise<void> {
    this.#entered++;
    for (const { count, resolve } of this.#watchers) if (this.#entered >= count) resolve();
    return this.opened;
  }

  /** Settles when the given number of callers have arrived. */
  reached(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#watchers.push({ count, resolve });
      if (this.#entered >= count) resolve();
    });
  }

  open(): void {
    this.#open();
  }
}

/** Lets everything run that is not blocked: promises, immediates, and what they start. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
