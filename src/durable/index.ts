export * from './durable-worker.js';
