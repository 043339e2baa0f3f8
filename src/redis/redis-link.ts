import { createHash } from 'node:crypto';
import { withDeadline } from '../util/deadline.js';
import type { ClientSource, RedisClient } from './client-source.js';

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
