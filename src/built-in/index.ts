export * from './cost-tracker.js';
export type { LatencySummary } from './latencies.js';
export * from './logging-callbacks.js';
export * from './metrics-callbacks.js';
export * from './progress-reporter.js';
export * from './streaming-progress.js';
export * from './token-counter.js';
