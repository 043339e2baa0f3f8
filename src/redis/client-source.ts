import type { Cluster, Redis } from 'ioredis';
import { withDeadline } from '../util/deadline.js';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';

/** A client of `ioredis`, for one server or a cluster. */
export type RedisClient = Redis | Cluster;

/**
 * How long a server has to confirm that a connection is closed, which also delays the exit of the process, in
 * milliseconds.
 */
const DISCONNECT_MS = 100;

const late = () => new Error('Redis is late.');

/** Provides a store's client: a given one, or its own, opened on first use. */
export class ClientSource {
  readonly #given: RedisClient | undefined;
  readonly #url: string | undefined;
  #own: Promise<Redis> | Redis | undefined;

  constructor(given: RedisClient | string) {
    if (typeof given === 'string') this.#url = given;
    else this.#given = given;
  }

  /** A promise only while the package of its own client is loading. */
  get client(): RedisClient | Promise<RedisClient> {
    if (this.#given !== undefined) return this.#given;
    this.#own ??= this.#open(this.#url!);
    return this.#own;
  }

  /** Closes its own client, once pending commands are answered or the time is over. */
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
    // The limiters report an outage; the client keeps trying to connect.
    client.on('error', () => undefined);
    // A store that is not closed does not keep the process alive while its server is up.
    client.on('connect', () => client.stream?.unref());
    if (this.#own !== undefined) this.#own = client;
    return client;
  }
}
