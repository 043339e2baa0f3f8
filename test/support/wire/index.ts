export * from './bench.js';
export * from './calls.js';
export * from './defer.js';
export * from './serve.js';
export * from './server.js';
export * from './wire-format.js';
export * from './retries.js';
