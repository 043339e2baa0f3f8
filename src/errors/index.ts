export * from './callbacks-error.js';
export * from './llm-errors.js';
