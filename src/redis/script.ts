import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';

/** A client of `ioredis`, of one server or of a cluster. */
export type RedisClient = Redis | Cluster;

/** A script that is sent by its hash, and whole to a server that does not know it. */
export class Script {
  readonly #sha: string;

  constructor(private readonly source: string) {
    this.#sha = createHash('sha1').update(source).digest('hex');
  }

  async run(
    client: RedisClient,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    try {
      return await client.evalsha(this.#sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return client.eval(this.source, keys.length, ...keys, ...args);
    }
  }
}
