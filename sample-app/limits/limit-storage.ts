import { setTimeout } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { MemoryLimitStore, type LimitStore } from 'nestjs-llm-callbacks';
import { RedisLimitStore } from 'nestjs-llm-callbacks/redis';

const PREFIX = 'support-desk:';
/** How long the start of the desk waits for Redis, in milliseconds. */
const CONNECT_MS = 1_000;

/** Where limits are counted: in this process, or on Redis, for all processes of the desk, when `REDIS_URL` is set. */
export class LimitStorage {
  private constructor(
    readonly store: LimitStore,
    private readonly redis?: Redis,
  ) {}

  static open(env: NodeJS.ProcessEnv = process.env, prefix = PREFIX): LimitStorage {
    const { REDIS_URL } = env;
    if (!REDIS_URL) return new LimitStorage(new MemoryLimitStore());
    if (!/^rediss?:\/\/./.test(REDIS_URL)) {
      throw new Error('REDIS_URL must be like redis://127.0.0.1:6379.');
    }
    const client = new Redis(REDIS_URL, { lazyConnect: true });
    // It keeps trying to connect, and the limiters report an outage.
    client.on('error', () => undefined);
    return new LimitStorage(new RedisLimitStore({ client, prefix }), client);
  }

  /** One line for the terminal. */
  async describe(): Promise<string> {
    if (this.redis === undefined) return 'Limits are counted in this process.';
    const { host, port } = this.redis.options;
    try {
      await Promise.race([this.redis.connect(), late()]);
      return `Limits are counted on Redis at ${host}:${port}.`;
    } catch {
      return `Redis at ${host}:${port} does not answer; until it does, limits are counted in this process.`;
    }
  }

  close(): void {
    this.redis?.disconnect();
  }
}

async function late(): Promise<never> {
  await setTimeout(CONNECT_MS, undefined, { ref: false });
  throw new Error('Redis is late.');
}
