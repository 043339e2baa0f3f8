import type { RedisOptions } from 'ioredis';
import { load } from './load.js';
import type { BullmqSettings } from './options.js';

/** How long a server is given to agree that a connection is over, which also holds up the process, in milliseconds. */
const QUICK = { disconnectTimeout: 100 };

/** What is used of an `ioredis` client, single or cluster. */
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
 * The clients of one queue. They are made here, those that `bullmq` makes of them included, because it cannot close its
 * own while Redis is away.
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

  /** A client that may wait for jobs, for however long Redis is away. */
  forWorker(): RedisClient {
    const patient = { ...QUICK, maxRetriesPerRequest: null };
    const { isCluster, options } = this.adder;
    return this.#own(
      isCluster
        ? this.adder.duplicate(undefined, { redisOptions: { ...options.redisOptions, ...patient } })
        : this.adder.duplicate(patient),
    );
  }

  /** Cuts all connections but that of a client that was given. */
  disconnect(): void {
    for (const client of this.#owned) {
      if (client.status === 'end') continue;
      const isBetweenTries = client.status === 'reconnecting';
      client.disconnect();
      // Then there is nothing to cut, and what waits for the connection learns only by one more try that it is over.
      if (isBetweenTries) client.connect().then(() => client.disconnect(), nothing);
    }
  }

  #own(client: RedisClient): RedisClient {
    if (this.#owned.has(client)) return client;
    this.#owned.add(client);
    // Whoever uses it reports errors; one that nobody listens to would be printed.
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
