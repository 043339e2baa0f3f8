import { Controller, Get, Module, Param, Post, Query } from '@nestjs/common';
import type { Redis } from 'ioredis';
import {
  BudgetExceededError,
  CallbacksModule,
  CostLimiter,
  RateLimiter,
  RateLimitExceededError,
  type LimitStore,
  type LlmService,
} from 'nestjs-llm-callbacks';
import { RedisLimitStore } from 'nestjs-llm-callbacks/redis';
import { model } from './fake-model.js';

// #region plain
@Module({
  imports: [
    CallbacksModule.forRoot({
      llm: model,
      callbacks: [new CostLimiter({ maxCost: 1 }), new RateLimiter({ requestsPerMinute: 60 })],
    }),
  ],
})
export class CarefulModule {}
// #endregion

// #region refused
export async function answer(llm: LlmService, question: string) {
  try {
    return (await llm.generate(question, { maxOutputTokens: 500 })).text;
  } catch (error) {
    if (error instanceof RateLimitExceededError) return `again in ${error.retryAfterMs ?? 0} ms`;
    if (error instanceof BudgetExceededError) return 'not before tomorrow';
    throw error;
  }
}
// #endregion

// #region several
/** A dollar a day for each user, a thousand a month for all of them. */
export function budgets(store: LimitStore) {
  return new CostLimiter({
    name: 'budgets',
    store,
    limits: [
      {
        per: 'user',
        window: 'day',
        timeZone: 'Europe/Berlin',
        maxCost: ({ tags }) => (tags.includes('premium') ? 10 : 1),
      },
      { per: 'global', window: 'month', maxCost: 1_000 },
    ],
    onThreshold: ({ key, ratio, refused }) =>
      console.warn(`${key}: ${refused ? 'refused at' : 'has spent'} ${Math.round(ratio * 100)} %`),
  });
}
// #endregion

// #region waiting
/** What a provider allows for each model; calls wait for their turn instead of failing. */
export function providerRates(store: LimitStore) {
  return new RateLimiter({
    store,
    requestsPerMinute: 500,
    tokensPerMinute: 200_000,
    per: 'model',
    mode: 'wait',
    maxQueue: 200,
  });
}
// #endregion

// #region redis
/** The same on a client of your own, which you close. */
export function sharedLimits(client: Redis) {
  const store = new RedisLimitStore({ client });
  return [budgets(store), providerRates(store)];
}
// #endregion

// #region shared
/** For every replica the same: same store, same names. The store closes its connection with the application. */
export function replicatedLimits(url: string) {
  const store = new RedisLimitStore({ url });
  return [budgets(store), providerRates(store)];
}
// #endregion

// #region provided
export const limiter = new CostLimiter({ maxCost: 1, per: 'user', window: 'day' });

@Controller('budgets')
export class BudgetsController {
  constructor(private readonly limits: CostLimiter) {}

  @Get(':user')
  usage(@Param('user') user: string) {
    return this.limits.usage(user); // { used, reserved, limit, remaining, resetsAt … }
  }

  @Post(':user/reset')
  reset(@Param('user') user: string) {
    return this.limits.reset(user);
  }

  @Post('limit')
  raise(@Query('dollars') dollars: string) {
    this.limits.update({ maxCost: Number(dollars) });
  }
}

@Module({
  controllers: [BudgetsController],
  providers: [{ provide: CostLimiter, useValue: limiter }],
})
export class BudgetsModule {}
// #endregion
