import { describeWithRedis, REDIS_URL } from '../support/services.js';
import { dropRedisKeys } from '../support/job-stores.js';
import { conformance } from './examples/testing/redis-conformance.js';

describeWithRedis('The examples of conformance kits', () => {
  conformance(REDIS_URL, dropRedisKeys);
});
