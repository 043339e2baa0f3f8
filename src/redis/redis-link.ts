import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { withDeadline } from '../util/promises.js';

export type ScriptArgs = readonly (string | number)[];

/** A script that is sent by its hash, or whole to a server that does not know it. */
export class Script {
  readonly #sha: string;

  constructor(private readonly source: string) {
    this.#sha = createHash('sha1').update(source).digest('hex');
  }

  async run(client: RedisClient, keys: readonly string[], args: ScriptArgs): Promise<unknown> {
    try {
      return await client.evalsha(this.#sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return client.eval(this.source, keys.length, ...keys, ...args);
    }
  }
}

/** A connection to Redis with deadlines: clients queue commands while they have no server. */
export class RedisLink {
  /** Whether the last command failed. */
  #isAway = false;

  constructor(
    private readonly source: ClientSource,
    private readonly timeoutMs: number,
  ) {}

  /**
   * Runs an operation with the client. Fails after the deadline, and immediately while the client is known to have no
   * connection.
   *
   * @param late called with a result that arrives after the deadline
   */
  async do<T>(
    work: (client: RedisClient) => Promise<T>,
    late: (result: T) => void = () => undefined,
  ): Promise<T> {
    const { timeoutMs } = this;
    const opened = this.source.client;
    const client = opened instanceof Promise ? await opened : opened;
    if (this.#isAway && client.status !== 'ready') {
      throw new Error(`Redis is away: its client is "${client.status}".`);
    }
    try {
      const working = work(client);
      const result = await withDeadline(working, timeoutMs, () => {
        working.then(late, () => undefined);
        return new Error(`Redis did not answer within ${timeoutMs} ms.`);
      });
      this.#isAway = false;
      return result;
    } catch (error) {
      this.#isAway = true;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.source.close(this.timeoutMs);
  }
}

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
