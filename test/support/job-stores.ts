import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type { BullmqJobQueueOptions } from 'nestjs-llm-callbacks/bullmq';
import { Client } from 'pg';
import { describeWithPostgres, describeWithRedis, POSTGRES_URL, REDIS_URL } from './services.js';

/** A separate place for jobs. */
export interface JobStore {
  readonly options: Pick<BullmqJobQueueOptions, 'connection' | 'prefix'>;
  /** Removes all jobs in it. */
  drop(): Promise<void>;
}

async function redisStore(): Promise<JobStore> {
  const prefix = `test-${randomUUID()}`;
  return { options: { connection: REDIS_URL, prefix }, drop: () => dropRedisKeys(prefix) };
}

/** Removes the keys with the given prefix. */
export async function dropRedisKeys(prefix: string): Promise<void> {
  const client = new Redis(REDIS_URL);
  const keys = await client.keys(`${prefix}*`);
  if (keys.length > 0) await client.del(...keys);
  await client.quit();
}

async function postgresStore(): Promise<JobStore> {
  const schema = `test_${randomUUID().replaceAll('-', '')}`;
  const drop = async () => {
    const client = new Client(POSTGRES_URL);
    await client.connect();
    await client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    await client.end();
  };
  return { options: { connection: { connectionString: POSTGRES_URL, schema } }, drop };
}

/** The same tests on Redis and on PostgreSQL. */
export function describeJobStores(
  name: string,
  tests: (newStore: () => Promise<JobStore>) => void,
): void {
  describeWithRedis(`${name} on Redis`, () => tests(redisStore));
  describeWithPostgres(`${name} on PostgreSQL`, () => tests(postgresStore));
}
