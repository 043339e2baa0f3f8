export { CostLimiter } from './cost-limiter.js';
export * from './limit-store.js';
export type { CalendarUnit, LimitWindow, WindowBucket, WindowLength } from './limit-window.js';
export type { Limiter } from './limiter.js';
export {
  LimiterUsage,
  type CostLimit,
  type CostLimiterOptions,
  type LimitAmount,
  type LimiterChanges,
  type LimiterOptions,
  type LimitPer,
  type LimitUse,
  type RateLimit,
  type RateLimiterOptions,
  type ThresholdReached,
} from './limiter-options.js';
export type { LimiterReport, LimitReport } from './limiter-report.js';
export { MemoryLimitStore, type MemoryLimitStoreOptions } from './memory-limit-store.js';
export { RateLimiter } from './rate-limiter.js';
