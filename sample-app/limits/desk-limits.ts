import { Injectable, ServiceUnavailableException } from '@nestjs/common';
import { CostLimiter, RateLimiter, type LimitUse } from 'nestjs-llm-callbacks';

/** What each user may use. */
export interface LimitChanges {
  /** US dollars a day. */
  maxCost?: number;
  requestsPerMinute?: number;
}

export const FIRST_LIMITS: Required<LimitChanges> = { maxCost: 0.005, requestsPerMinute: 20 };

/** How much of a limit is used; `reserved` is for calls under way. */
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

/** Reads and changes the limits while the desk is open. */
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

  /** In this process; a real application keeps its limits in its database, and gives `maxCost` a function. */
  change(changes: LimitChanges): Required<LimitChanges> {
    const { maxCost, requestsPerMinute } = (this.#current = { ...this.#current, ...changes });
    this.budget.update({ maxCost });
    this.rate.update({ requestsPerMinute });
    return this.#current;
  }

  /** Forgets what a user has used. */
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
