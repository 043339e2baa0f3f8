export * from './cache.interceptor.js';
export * from './circuit-breaker.interceptor.js';
export * from './fallback.interceptor.js';
export { CacheStore } from './memory-cache.js';
export * from './retry.interceptor.js';
export * from './timeout.interceptor.js';
