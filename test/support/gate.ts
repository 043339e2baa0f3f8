/** Holds up whoever waits for it, and knows who does. */
export class Gate {
  #open!: () => void;
  readonly opened = new Promise<void>((resolve) => (this.#open = resolve));
  #entered = 0;
  readonly #watchers: { readonly count: number; readonly resolve: () => void }[] = [];

  /** How many have come so far. */
  get entered(): number {
    return this.#entered;
  }

  /** Waits until the gate is opened. */
  pass(): Promise<void> {
    this.#entered++;
    for (const { count, resolve } of this.#watchers) if (this.#entered >= count) resolve();
    return this.opened;
  }

  /** Settles when so many have come. */
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

/** Lets everything happen that nothing holds up: promises, immediates, what these begin. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
