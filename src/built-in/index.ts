export * from './cost-tracker.js';
export * from './logging-callbacks.js';
export * from './streaming-progress.js';
export * from './token-counter.js';
