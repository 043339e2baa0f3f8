export * from './background-options.js';
export * from './background.js';
export * from './dispatcher.js';
export type { Audience } from './handler-calls.js';
export * from './intercept.js';
export * from './outstanding.js';
export * from './promises.js';
export * from './timeout.js';
