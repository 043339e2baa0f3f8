export * from './callback-scope.js';
export * from './chain.js';
export * from './hook-metadata.js';
export * from './hooks.js';
export * from './method-runner.js';
export * from './methods-of.js';
export * from './retrieval.js';
export * from './run-method.js';
