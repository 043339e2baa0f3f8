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
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { load } from './load.js';
import type { BullmqSettings } from './options.js';
import { RedisClients } from './redis-clients.js';
import type { StoredJob } from './stored-job.js';

export type BullmqQueue = Queue<StoredJob, void, string, StoredJob, void, string, IQueueBackend>;
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
