export * from './callback-scope.js';
export * from './hook-metadata.js';
export * from './hooks.js';
