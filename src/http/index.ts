export * from './callbacks-exception.filter.js';
