export * from './callbacks-exception.filter.js';
export type { ToSseOptions } from './event-stream.js';
