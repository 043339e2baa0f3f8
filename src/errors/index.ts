export * from './agent-errors.js';
export * from './callbacks-error.js';
export * from './limit-errors.js';
export * from './llm-errors.js';
