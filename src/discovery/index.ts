export * from './explorer.js';
export * from './instance-contexts.js';
