export { RedisLimitStore, type RedisLimitStoreOptions } from './redis-limit-store.js';
export type { RedisClient } from './redis-link.js';
