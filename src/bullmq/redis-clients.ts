import type { RedisOptions } from 'ioredis';
import { load } from './load.js';
import type { BullmqSettings } from './options.js';

/**
 * How long a server has to confirm that a connection is closed, which also delays the exit of the process, in
 * milliseconds.
 */
const QUICK = { disconnectTimeout: 100 };

/** The used part of an `ioredis` client, single or cluster. */
export interface RedisClient {
  readonly isCluster?: boolean;
  readonly options: { readonly redisOptions?: object };
  readonly status: string;
  connect(): Promise<unknown>;
  disconnect(): void;
  duplicate(...args: unknown[]): RedisClient;
  on(event: 'error', listener: () => void): unknown;
}

/**
 * The clients of one queue. All are created here, including those that `bullmq` would create, because it cannot close
 * its own while Redis is down.
 */
export class RedisClients {
  readonly #owned = new Set<RedisClient>();

  private constructor(
    /** Adds jobs. */
    readonly adder: RedisClient,
  ) {}

  static async open(connection: BullmqSettings['connection']): Promise<RedisClients> {
    if (isClient(connection)) return new RedisClients(connection);
    const { Redis } = await load('ioredis', () => import('ioredis'));
    const { url, ...options } = (
      typeof connection === 'string' ? { url: connection } : connection
    ) as RedisOptions & { url?: string };
    const all = { ...QUICK, ...options };
    const client = url === undefined ? new Redis(all) : new Redis(url, all);
    const clients = new RedisClients(client as unknown as RedisClient);
    clients.#own(clients.adder);
    return clients;
  }

  /** A client that may wait for jobs, however long Redis is down. */
  forWorker(): RedisClient {
    const patient = { ...QUICK, maxRetriesPerRequest: null };
    const { isCluster, options } = this.adder;
    return this.#own(
      isCluster
        ? this.adder.duplicate(undefined, { redisOptions: { ...options.redisOptions, ...patient } })
        : this.adder.duplicate(patient),
    );
  }

  /** Cuts all connections except the given client's. */
  disconnect(): void {
    for (const client of this.#owned) {
      if (client.status === 'end') continue;
      const isBetweenTries = client.status === 'reconnecting';
      client.disconnect();
      // Then there is no connection to cut, and what waits for one learns only by one more attempt that it is closed.
      if (isBetweenTries) client.connect().then(() => client.disconnect(), nothing);
    }
  }

  #own(client: RedisClient): RedisClient {
    if (this.#owned.has(client)) return client;
    this.#owned.add(client);
    // The users of a client report its errors; without a listener, they would be printed.
    client.on('error', nothing);
    const duplicate = client.duplicate.bind(client);
    client.duplicate = (...args) => this.#own(duplicate(...args));
    return client;
  }
}

function isClient(connection: unknown): connection is RedisClient {
  const { connect, duplicate } = connection as Partial<RedisClient>;
  return typeof connect === 'function' && typeof duplicate === 'function';
}

function nothing(): void {}
