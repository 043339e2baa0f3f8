import type { EventEmitter } from 'node:events';
import type {
  BackendFactory,
  IQueueBackend,
  Processor,
  Queue,
  QueueOptions,
  Worker,
  WorkerOptions,
} from 'bullmq';
import type { RedisOptions } from 'ioredis';
import type { Job } from '../dispatch/background/job-queue.js';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { EventJson } from '../events/event.js';
import { Log, logReason } from '../util/log.js';
import { type BullmqSettings, load } from './bullmq-options.js';

type BullmqQueue = Queue<StoredJob, void, string, StoredJob, void, string, IQueueBackend>;
export type BullmqWorker = Worker<StoredJob, void, string, IQueueBackend>;

/** An open queue of `bullmq`, on one of the backends. */
export interface OpenQueue {
  readonly queue: BullmqQueue;
  /** Opens a worker of the queue. */
  readonly work: (
    process: Processor<StoredJob, void>,
    options: Partial<WorkerOptions>,
  ) => Promise<BullmqWorker>;
  /** Cuts the remaining connections. */
  readonly disconnect: () => void;
}

/** How the backends differ. */
interface Backend {
  /** The queue's name, as the backend requires it. */
  readonly queueName: string;
  readonly queue: QueueOptions;
  readonly worker: () => QueueOptions;
  readonly factory: BackendFactory;
  /** Resolves when it is ready for use, as far as there is a need to wait. */
  readonly ready: (opened: BullmqQueue | BullmqWorker) => Promise<unknown>;
  readonly disconnect: () => void;
}

export async function openQueue(
  settings: BullmqSettings,
  onError: (error: unknown) => void,
): Promise<OpenQueue> {
  const bullmq = await load('bullmq', () => import('bullmq'));
  const backendOf = settings.backend === 'postgres' ? openPostgres : openRedis;
  const { queueName, factory, ready, ...backend } = await backendOf(settings, bullmq);
  const open = async <O extends BullmqQueue | BullmqWorker>(opened: O): Promise<O> => {
    (opened as EventEmitter).on('error', onError);
    try {
      await ready(opened);
    } catch (error) {
      await opened.close().catch(onError);
      throw error;
    }
    return opened;
  };
  return {
    queue: await open<BullmqQueue>(new bullmq.Queue(queueName, backend.queue, factory)),
    work: (process, options) => {
      const all = { ...options, ...backend.worker() };
      return open<BullmqWorker>(new bullmq.Worker(queueName, process, all, factory));
    },
    disconnect: backend.disconnect,
  };
}

async function openRedis(
  { connection, prefix, queueName }: BullmqSettings,
  { createRedisBackend }: typeof import('bullmq'),
): Promise<Backend> {
  const clients = await RedisClients.open(connection);
  return {
    queueName,
    queue: { connection: clients.adder, prefix },
    worker: () => ({ connection: clients.forWorker(), prefix }),
    // In bullmq 5 it is undefined, and Redis is the default.
    factory: createRedisBackend,
    // Redis reconnects by itself, and each operation waits for it.
    ready: async () => {},
    disconnect: () => clients.disconnect(),
  };
}

async function openPostgres(
  { connection, prefix, queueName }: BullmqSettings,
  { createPostgresBackend }: typeof import('bullmq'),
): Promise<Backend> {
  // bullmq 5 does not export it.
  if ((createPostgresBackend as unknown) === undefined) {
    throw new CallbacksConfigurationError(
      'BullmqJobQueue keeps jobs on PostgreSQL with bullmq 6 only, and an older one is installed. Run: npm install bullmq@6',
    );
  }
  await load('pg', () => import('pg'));
  const given = typeof connection === 'string' ? { connectionString: connection } : connection;
  const isPool = typeof (given as { query?: unknown }).query === 'function';
  const isSaid = Object.hasOwn(given, 'migrate') || Object.hasOwn(given, 'skipMigrations');
  const options = {
    connection: (isPool || isSaid
      ? given
      : { ...given, migrate: true }) as QueueOptions['connection'],
  };
  return {
    // On PostgreSQL, all queues share one schema.
    queueName: `${prefix}/${queueName}`.replaceAll(':', '_'),
    queue: options,
    worker: () => options,
    factory: createPostgresBackend as unknown as BackendFactory,
    // PostgreSQL does not reconnect by itself.
    ready: (opened) => opened.waitUntilReady(),
    disconnect: () => {},
  };
}

/**
 * How long a server has to confirm that a connection is closed, which also delays the exit of the process, in
 * milliseconds.
 */
const QUICK = { disconnectTimeout: 100 };

/** The used part of an `ioredis` client, single or cluster. */
interface RedisClient {
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
class RedisClients {
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

/** A job's data as `bullmq` stores it. */
export interface StoredJob {
  readonly id: string;
  readonly handler: string;
  /** JSON in a string: PostgreSQL's JSON rejects characters that prompts may contain. */
  readonly event: string;
}

export function toStored({ id, handler, event }: Job): StoredJob {
  return { id, handler, event: JSON.stringify(event) };
}

/** @throws for data that no `BullmqJobQueue` has stored */
export function fromStored(stored: unknown): Job {
  const { id, handler, event } = (stored ?? {}) as Record<keyof StoredJob, unknown>;
  if (typeof id !== 'string' || typeof handler !== 'string' || typeof event !== 'string')
    throw new Error('This job was not added by a BullmqJobQueue.');
  return { id, handler, event: parse(event) };
}

function parse(text: string): EventJson {
  try {
    return JSON.parse(text) as EventJson;
  } catch {
    // The parser's message quotes the text.
    throw new Error('The event of this job is not JSON.');
  }
}

/** The id of the job in `bullmq`, which does not allow colons. */
export function storedId(id: string): string {
  return id.replaceAll('%', '%25').replaceAll(':', '%3A');
}

/** How long the same error is not logged again, in milliseconds. */
const QUIET_MS = 60_000;

/** Logs connection errors, at most once a minute while a server is down. */
export class ErrorLog {
  readonly #logger = new Log('BullmqJobQueue');
  #last: { readonly message: string; readonly at: number } | undefined;

  readonly log = (error: unknown): void => {
    const message = logReason(error) || (error as Error).name;
    const at = performance.now();
    if (this.#last?.message === message && at - this.#last.at < QUIET_MS) return;
    this.#last = { message, at };
    this.#logger.warn(message);
  };
}
