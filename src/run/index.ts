export * from './active-trace.js';
export * from './context-store.js';
export * from './ids.js';
export * from './open-runs.js';
export * from './request-context.js';
export * from './run-factory.js';
export * from './run.js';
export * from './request-context.interceptor.js';
