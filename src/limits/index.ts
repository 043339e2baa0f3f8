export { CostLimiter } from './cost-limiter.js';
export type * from './limit-store.js';
export type { CalendarUnit, LimitWindow, WindowBucket, WindowLength } from './limit-window.js';
export type { Limiter } from './limiter.js';
export type {
  CostLimit,
  CostLimiterOptions,
  LimitAmount,
  LimiterChanges,
  LimiterOptions,
  LimiterUsage,
  LimitPer,
  LimitUse,
  RateLimit,
  RateLimiterOptions,
  ThresholdReached,
} from './limiter-options.js';
export { MemoryLimitStore, type MemoryLimitStoreOptions } from './memory-limit-store.js';
export { RateLimiter } from './rate-limiter.js';
