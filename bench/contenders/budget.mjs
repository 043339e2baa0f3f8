// A CostLimiter whose limit is never reached: each call is reserved and settled, and none is refused.
import { library } from './library.mjs';

const MAX_COST = 1_000_000;
/** Billionths of a dollar, in which budgets are counted; each call is rounded to them. */
const LEAST = 1e-9;

export class Budget {
  #limiter = new library.CostLimiter({ maxCost: MAX_COST });

  /** Of the module. */
  get callbacks() {
    return [this.#limiter];
  }

  reset() {
    return this.#limiter.reset();
  }

  /** It must have counted what CostTracker has, and nothing may be left reserved. */
  async check({ requestCount, totalCost }) {
    const { used, reserved } = await this.#limiter.usage();
    if (reserved === 0 && used > 0 && Math.abs(used - totalCost) <= requestCount * LEAST) return;
    throw new Error(
      `The budget counted $${used} for ${requestCount} calls of $${totalCost}, $${reserved} reserved.`,
    );
  }
}
