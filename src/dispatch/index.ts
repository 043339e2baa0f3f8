export * from './dispatcher.js';
export * from './intercept.js';
export * from './promises.js';
