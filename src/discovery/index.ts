export * from './explorer.js';
export * from './instance-contexts.js';
export * from './unknown-clients.js';
