export * from './circles.js';
export * from './handler-registry.js';
export * from './handler-source.js';
export * from './handler-table.js';
export * from './handler.js';
export * from './hooks-of.js';
export * from './instance-source.js';
