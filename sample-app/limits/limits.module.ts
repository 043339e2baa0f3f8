import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { CostLimiter, RateLimiter } from 'nestjs-llm-callbacks';
import { DeskLimits, FIRST_LIMITS } from './desk-limits.js';
import { LimitStorage } from './limit-storage.js';
import { LimitsController } from './limits.controller.js';

/** Each user's cost limit per day and rate limit per minute. */
@Module({ controllers: [LimitsController], providers: [DeskLimits] })
export class LimitsModule implements OnApplicationShutdown {
  constructor(private readonly storage: LimitStorage) {}

  static countedIn(storage: LimitStorage): DynamicModule {
    // While the store is unavailable, customers still get answers, and each process counts on its own.
    const common = { per: 'user', store: storage.store, onStoreError: 'local' } as const;
    const { maxCost, requestsPerMinute } = FIRST_LIMITS;
    const budget = new CostLimiter({ ...common, name: 'budget', maxCost, window: 'day' });
    const rate = new RateLimiter({ ...common, name: 'rate', requestsPerMinute });
    return {
      module: LimitsModule,
      providers: [
        { provide: LimitStorage, useValue: storage },
        { provide: CostLimiter, useValue: budget },
        { provide: RateLimiter, useValue: rate },
      ],
    };
  }

  /** Runs after the limiters have sent their pending settlements. */
  onApplicationShutdown(): void {
    this.storage.close();
  }
}
