import type { ConnectionOptions } from 'bullmq';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { type OptionNames, unknownOption } from '../util/known-options.js';

/**
 * The PostgreSQL connection of `bullmq` 6: a URL, options or a pool. `bullmq` 5 has neither the type nor PostgreSQL.
 */
type PostgresConnectionOptions = typeof import('bullmq') extends {
  PostgresConnection: new (connection: infer C) => unknown;
}
  ? C
  : never;

/** Options of `BullmqJobQueue`. */
export interface BullmqJobQueueOptions {
  /**
   * The server of the jobs, in the form that `bullmq` takes.
   *
   * - Redis or Valkey: a URL (`redis://`, `rediss://`), the options of an `ioredis` client, or a client, single or
   *   cluster. A given client stays open, and is not blocked: workers use a copy of it.
   * - PostgreSQL, with `bullmq` 6: a URL (`postgres://`), the options of a `pg` pool with a `schema`, or a pool. The
   *   tables are created and migrated, unless the options include `migrate: false`; with a pool, they must exist.
   */
  connection: string | ConnectionOptions | PostgresConnectionOptions;
  /**
   * The backend of `connection`.
   * @default determined by its URL, its methods, or options that only `pg` has: `connectionString`, `database`, `user`,
   * `schema`, `migrate`
   */
  backend?: 'redis' | 'postgres';
  /**
   * Separates applications that share a server. On Redis the prefix of all keys; on a cluster it must contain a hash
   * tag, such as `{shop}`. On PostgreSQL the prefix of the queue's name.
   * @default 'nestjs-llm-callbacks'
   */
  prefix?: string;
  /**
   * The queue's name, as dashboards show it.
   * @default 'callbacks'
   */
  queueName?: string;
  /**
   * Whether this process calls handlers. With `false` it only adds jobs, for the workers of other processes.
   * @default true
   */
  worker?: boolean;
  /**
   * How many handlers run at once in this process.
   * @default 8
   */
  concurrency?: number;
  /**
   * How often a job is started before it becomes a dead letter, whether it failed or killed its process.
   * @default 5
   */
  attempts?: number;
  /**
   * How long a failed job waits before its second attempt, in milliseconds; each further wait is twice as long.
   * @default 1_000
   */
  backoffMs?: number;
  /**
   * How long a worker's lock on a job is valid without renewal, in milliseconds: when a process is killed, others take
   * over its jobs after one and a half times that time. Workers renew locks at half that time; a process that is too
   * busy to renew loses its jobs to others, and they run twice.
   * @default 5_000
   */
  lockDurationMs?: number;
  /**
   * How often a job may kill its process, or lose its lock, before it becomes a dead letter. Each time counts as one of
   * its `attempts` too, so only a number below `attempts - 1` has an effect.
   * @default 10
   */
  maxStalls?: number;
  /**
   * How many completed jobs are remembered, and how long, so that a job that is added again does not run again. They
   * contain their events.
   * @default { count: 5_000, ageMs: 3_600_000 }
   */
  keepCompleted?: { readonly count: number; readonly ageMs: number };
  /**
   * How many dead letters are kept; the oldest are dropped first.
   * @default 10_000
   */
  keepDeadLetters?: number;
}

/** {@link BullmqJobQueueOptions} with all defaults. */
export type BullmqSettings = Required<BullmqJobQueueOptions>;

const DEFAULTS = {
  prefix: 'nestjs-llm-callbacks',
  queueName: 'callbacks',
  worker: true,
  concurrency: 8,
  attempts: 5,
  backoffMs: 1_000,
  lockDurationMs: 5_000,
  maxStalls: 10,
  keepCompleted: { count: 5_000, ageMs: 3_600_000 },
  keepDeadLetters: 10_000,
} as const satisfies Omit<BullmqSettings, 'connection' | 'backend'>;

/** Options that no Redis client has. */
const POSTGRES_OPTIONS = [
  'connectionString',
  'database',
  'user',
  'schema',
  'migrate',
  'skipMigrations',
];

const KNOWN: OptionNames = new Set(['connection', 'backend', ...Object.keys(DEFAULTS)]);

/** Applies the defaults; rejects invalid options. No message contains the connection. */
export function toBullmqSettings(options: BullmqJobQueueOptions): BullmqSettings {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const settings = { ...DEFAULTS, ...Object.fromEntries(given) } as BullmqSettings;
  const { connection, queueName, prefix, keepCompleted, backoffMs } = settings;
  if (connection === undefined || connection === null)
    refuse('needs a `connection`: a URL, options or a client of Redis or PostgreSQL');
  settings.backend ??= backendOf(connection);
  if (!['redis', 'postgres'].includes(settings.backend))
    refuse("knows the backends 'redis' and 'postgres'; a URL begins with redis: or postgres:");
  const unknown = unknownOption(options, KNOWN);
  if (unknown !== undefined) refuse(`has no ${unknown}`);
  if (!isText(queueName) || queueName.includes(':')) refuse('queueName must be a text without ":"');
  if (!isText(prefix)) refuse('prefix must be a text');
  for (const name of ['concurrency', 'attempts', 'lockDurationMs', 'keepDeadLetters'] as const)
    if (!isCount(settings[name], 1)) refuse(`${name} must be a whole number above 0`);
  if (!isCount(backoffMs, 0) || !isCount(settings.maxStalls, 0))
    refuse('backoffMs and maxStalls must be whole numbers, 0 or more');
  if (!isCount(keepCompleted.count, 0) || !isCount(keepCompleted.ageMs, 0))
    refuse('keepCompleted must be { count, ageMs }, whole numbers');
  return settings;
}

function backendOf(connection: BullmqJobQueueOptions['connection']): BullmqSettings['backend'] {
  if (typeof connection === 'string') {
    const [, protocol] = /^(redis|postgres)(?:s|ql)?:/.exec(connection) ?? [];
    return protocol as BullmqSettings['backend'];
  }
  // A method of a pool, which no Redis client has.
  if (typeof (connection as { query?: unknown }).query === 'function') return 'postgres';
  const isPostgres = POSTGRES_OPTIONS.some((name) => Object.hasOwn(connection, name));
  return isPostgres ? 'postgres' : 'redis';
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isCount(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

function refuse(what: string): never {
  throw new CallbacksConfigurationError(`BullmqJobQueue ${what}.`);
}

/** Loads an optional peer dependency on first use; if it is missing, the error describes how to install it. */
export async function load<T>(packageName: string, importing: () => Promise<T>): Promise<T> {
  try {
    return await importing();
  } catch (error) {
    throw new CallbacksConfigurationError(
      `BullmqJobQueue needs the package ${packageName}, which could not be loaded. Run: npm install ${packageName}`,
      { cause: error },
    );
  }
}
