import { addUsage, NO_USAGE, type Usage } from '../types/usage.js';

/** The total usage and cost of several calls. */
export class Totals {
  #usage: Usage = { ...NO_USAGE };
  #cost: number | null = 0;

  get usage(): Usage {
    return this.#usage;
  }

  /** US dollars; `null` if one of the prices is unknown. */
  get cost(): number | null {
    return this.#cost;
  }

  add(usage: Usage, cost: number | null): void {
    this.#usage = addUsage(this.#usage, usage);
    this.#cost = this.#cost === null || cost === null ? null : this.#cost + cost;
  }
}
