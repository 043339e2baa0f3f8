export * from './explorer.js';
