export * from './price-book.js';
export type { Prices } from './rates.js';
