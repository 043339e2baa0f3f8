import type { Cluster, Redis } from 'ioredis';
import { withDeadline } from '../util/deadline.js';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';

/** A client of `ioredis`, of one server or of a cluster. */
export type RedisClient = Redis | Cluster;

/** How long a server is given to agree that a connection is over, which also holds up the process, in milliseconds. */
const DISCONNECT_MS = 100;

const late = () => new Error('Redis is late.');

/** Where a store has its client from: one that was given, or one of its own, opened when it is needed. */
export class ClientSource {
  readonly #given: RedisClient | undefined;
  readonly #url: string | undefined;
  #own: Promise<Redis> | Redis | undefined;

  constructor(given: RedisClient | string) {
    if (typeof given === 'string') this.#url = given;
    else this.#given = given;
  }

  /** A promise only while its own client's package is loaded. */
  get client(): RedisClient | Promise<RedisClient> {
    if (this.#given !== undefined) return this.#given;
    this.#own ??= this.#open(this.#url!);
    return this.#own;
  }

  /** Closes the client that was opened here, once what it was asked is answered, or the time is over. */
  async close(withinMs: number): Promise<void> {
    const own = this.#own;
    this.#own = undefined;
    if (own === undefined) return;
    const client = await Promise.resolve(own).catch(() => undefined);
    if (client === undefined) return;
    if (client.status === 'ready') {
      await withDeadline(client.quit(), withinMs, late).catch(() => undefined);
    }
    client.disconnect();
  }

  async #open(url: string): Promise<Redis> {
    const { Redis } = await import('ioredis').catch((cause: unknown) => {
      this.#own = undefined;
      throw new CallbacksConfigurationError(
        'RedisLimitStore: a `url` needs the package ioredis, which could not be loaded. Run: npm install ioredis',
        { cause },
      );
    });
    const client = new Redis(url, { disconnectTimeout: DISCONNECT_MS });
    // The limiters report an outage; the client goes on trying to connect.
    client.on('error', () => undefined);
    // A store that nobody closes keeps no process alive while its server is there.
    client.on('connect', () => client.stream?.unref());
    if (this.#own !== undefined) this.#own = client;
    return client;
  }
}
