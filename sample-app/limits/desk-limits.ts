import { Injectable, ServiceUnavailableException } from '@nestjs/common';
import { CostLimiter, RateLimiter, type LimitUse } from 'nestjs-llm-callbacks';

/** The limits of each user. */
export interface LimitChanges {
  /** US dollars a day. */
  maxCost?: number;
  requestsPerMinute?: number;
}

export const FIRST_LIMITS: Required<LimitChanges> = { maxCost: 0.005, requestsPerMinute: 20 };

/** The usage of a limit; `reserved` is for active calls. */
export interface Left extends Pick<LimitUse, 'used' | 'reserved' | 'limit' | 'remaining'> {
  resetsAt?: string;
}

export interface UserLimits {
  user: string;
  /** US dollars. */
  budget: Left;
  /** Requests to models. */
  rate: Left;
}

/** Reads and changes the limits at runtime. */
@Injectable()
export class DeskLimits {
  #current = FIRST_LIMITS;

  constructor(
    private readonly budget: CostLimiter,
    private readonly rate: RateLimiter,
  ) {}

  async of(user: string): Promise<UserLimits> {
    const [budget, rate] = await fromStore(
      Promise.all([this.budget.usage(user), this.rate.usage(user)]),
    );
    return { user, budget: toLeft(budget), rate: toLeft(rate) };
  }

  /** Stored in this process; a real application stores its limits in its database, and sets `maxCost` to a function. */
  change(changes: LimitChanges): Required<LimitChanges> {
    const { maxCost, requestsPerMinute } = (this.#current = { ...this.#current, ...changes });
    this.budget.update({ maxCost });
    this.rate.update({ requestsPerMinute });
    return this.#current;
  }

  /** Resets a user's usage. */
  async reset(user: string): Promise<void> {
    await fromStore(Promise.all([this.budget.reset(user), this.rate.reset(user)]));
  }
}

async function fromStore<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new ServiceUnavailableException('The store of the limits does not answer.', { cause });
  }
}

function toLeft({ used, reserved, limit, remaining, resetsAt }: LimitUse): Left {
  const left = { used, reserved, limit, remaining };
  return resetsAt === undefined ? left : { ...left, resetsAt: new Date(resetsAt).toISOString() };
}
