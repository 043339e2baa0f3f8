export * from './dispatcher.js';
export * from './promises.js';
