import 'reflect-metadata';
import { strict as assert } from 'node:assert';
import { Redis } from 'ioredis';
import { CostLimiter, RateLimiter, RetryInterceptor, type LimitStore } from 'nestjs-llm-callbacks';
import { BullmqJobQueue } from 'nestjs-llm-callbacks/bullmq';
import { OpenTelemetryCallbacks } from 'nestjs-llm-callbacks/otel';
import { RedisLimitStore } from 'nestjs-llm-callbacks/redis';

// Nothing is connected to before it is used.
const client = new Redis({ lazyConnect: true });
const store: LimitStore = new RedisLimitStore({ client });
const callbacks = [
  new CostLimiter({ maxCost: 1, per: 'user', window: 'day', store }),
  new RateLimiter({ requestsPerMinute: 60, store }),
  new RetryInterceptor(),
  // Without an SDK, and without @opentelemetry/api-logs.
  new OpenTelemetryCallbacks(),
];
assert.equal(callbacks.length, 4);
assert.equal(client.status, 'wait');

async function main(): Promise<void> {
  await new BullmqJobQueue({ connection: { host: '127.0.0.1' }, worker: false }).close();
  client.disconnect();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
