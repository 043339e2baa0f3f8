import type { Job as BullJob, JobsOptions } from 'bullmq';
import { brand } from '../util/brand.js';
import { withDeadline } from '../util/promises.js';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { Job, JobQueue, JobWork } from '../dispatch/background/job-queue.js';
import { messageOf } from '../util/log.js';
import {
  type BullmqWorker,
  ErrorLog,
  fromStored,
  openQueue,
  type OpenQueue,
  storedId,
  type StoredJob,
  toStored,
} from './backend.js';
import {
  type BullmqJobQueueOptions,
  type BullmqSettings,
  toBullmqSettings,
} from './bullmq-options.js';

/** How long connections may take to close, which they cannot while their server is down, in milliseconds. */
const CLOSE_MS = 1_000;
const PAGE = 100;

/** A job that has failed permanently. */
export interface DeadLetter {
  readonly job: Job;
  /** The message of the last error. */
  readonly error: string;
  readonly attempts: number;
  /** Epoch milliseconds. */
  readonly failedAt: number;
}

/**
 * Stores the jobs of durable handlers on Redis or PostgreSQL, with `bullmq`. Failed jobs are retried with exponential
 * backoff, and become dead letters when they have failed permanently. When a process is killed, others take over its
 * jobs within seconds.
 *
 * Jobs run at least once, so make handlers idempotent, by `event.eventId`. A job that is added twice runs once, as long
 * as it is remembered (`keepCompleted`). Jobs contain prompts and answers: protect the server, or redact.
 *
 * Requires the packages `bullmq`, and `ioredis` or `pg`.
 *
 * @example
 * ```ts
 * CallbacksModule.forRoot({
 *   background: { queue: new BullmqJobQueue({ connection: process.env.REDIS_URL, prefix: 'shop' }) },
 * });
 * ```
 */
export class BullmqJobQueue implements JobQueue {
  static {
    brand(this, 'class:BullmqJobQueue');
  }

  readonly #settings: BullmqSettings;
  readonly #errors = new ErrorLog();
  readonly #underWay = new Set<Promise<void>>();
  #opening: Promise<OpenQueue> | undefined;
  #worker: BullmqWorker | undefined;
  #isStarted = false;
  #isPaused = false;
  #closing: Promise<void> | undefined;

  /** @throws CallbacksConfigurationError for invalid options */
  constructor(options: BullmqJobQueueOptions) {
    this.#settings = toBullmqSettings(options);
  }

  async add(job: Job): Promise<void> {
    const { queue } = await this.#open();
    const { attempts, backoffMs, keepCompleted, keepDeadLetters } = this.#settings;
    const options: JobsOptions = {
      jobId: storedId(job.id),
      attempts,
      backoff: { type: 'exponential', delay: backoffMs },
      removeOnComplete: { count: keepCompleted.count, age: Math.ceil(keepCompleted.ageMs / 1_000) },
      removeOnFail: { count: keepDeadLetters },
      // The handler's message is enough; stack traces do not belong in the store.
      stackTraceLimit: 0,
    };
    await queue.add(job.handler, toStored(job), options);
  }

  /** @throws CallbacksConfigurationError for a queue that two applications share, or a missing package */
  async start(work: JobWork): Promise<void> {
    if (this.#isStarted)
      throw new CallbacksConfigurationError(
        'This BullmqJobQueue was started before: give each application one of its own.',
      );
    this.#isStarted = true;
    const { work: open } = await this.#open();
    if (!this.#settings.worker) return;
    const { concurrency, lockDurationMs, maxStalls, attempts } = this.#settings;
    // bullmq passes a signal to functions with three parameters.
    const process = (stored: BullJob<StoredJob>, token?: string, signal?: AbortSignal) =>
      this.#track(this.#process(work, stored, token, signal));
    const worker = await open(process, {
      concurrency,
      lockDuration: lockDurationMs,
      stalledInterval: Math.ceil(lockDurationMs / 2),
      // A job that always kills its process is also started `attempts` times.
      maxStalledCount: Math.min(maxStalls, attempts - 1),
      // How soon a worker tries again after its server was down.
      runRetryDelay: 1_000,
    });
    worker.on('lockRenewalFailed', (ids) => {
      for (const id of ids) worker.cancelJob(id, 'Its lock is lost.');
    });
    this.#worker = worker;
  }

  /** Stops taking jobs. */
  async pause(): Promise<void> {
    this.#isPaused = true;
    await this.#worker?.pause(true);
  }

  /**
   * Waits for running jobs, then closes the connections that it opened. A job that fails meanwhile is given back.
   *
   * @param withinMs cuts the connections after so many milliseconds, even while jobs are running; without it, waits
   * until all running jobs are done
   */
  close(withinMs?: number): Promise<void> {
    this.#closing ??= this.#close(withinMs);
    return this.#closing;
  }

  /** Returns the permanently failed jobs, the latest first. */
  async deadLetters(limit = PAGE): Promise<DeadLetter[]> {
    const { queue } = await this.#open();
    const failed = await queue.getFailed(0, limit - 1);
    return failed.filter(isOurs).map((stored) => ({
      job: fromStored(stored.data),
      error: stored.failedReason,
      attempts: stored.attemptsMade,
      failedAt: stored.finishedOn ?? stored.timestamp,
    }));
  }

  /** Retries all dead letters with a fresh count of attempts; returns how many there were. */
  async retryDeadLetters(): Promise<number> {
    const { queue } = await this.#open();
    // Excludes jobs that fail again meanwhile.
    const count = await queue.getFailedCount();
    for (let retried = 0; retried < count; retried += PAGE) {
      const failed = await queue.getFailed(0, Math.min(PAGE, count - retried) - 1);
      for (const job of failed) await job.retry('failed', { resetAttemptsMade: true });
    }
    return count;
  }

  #open(): Promise<OpenQueue> {
    if (this.#closing !== undefined) return Promise.reject(new Error('The job queue is closed.'));
    this.#opening ??= openQueue(this.#settings, this.#errors.log).catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #process(
    work: JobWork,
    stored: BullJob<StoredJob>,
    token: string | undefined,
    signal = new AbortController().signal,
  ): Promise<void> {
    // bullmq may fetch one more job while it is paused.
    if (this.#isPaused) return this.#giveBack(stored, token);
    // A job that killed its process has not failed for bullmq, but it has been attempted.
    const attempt = stored.attemptsMade + (stored.stalledCounter ?? 0) + 1;
    const attempts = stored.opts.attempts ?? 1;
    const final = attempt >= attempts;
    try {
      if (attempt > attempts)
        throw new Error(`It has taken its process down, and had its ${attempts} tries.`);
      await work(fromStored(stored.data), { signal, attempt, final });
    } catch (error) {
      if (this.#isPaused) await this.#giveBack(stored, token);
      if (final) await this.#giveUp(error);
      // A plain error: bullmq treats errors with certain names and messages as commands.
      throw new Error(messageOf(error), { cause: error });
    }
  }

  /** Makes the job a dead letter, whatever bullmq has counted. */
  async #giveUp(error: unknown): Promise<never> {
    const { UnrecoverableError } = await import('bullmq');
    throw new UnrecoverableError(messageOf(error));
  }

  /** On shutdown, leaves the job to other processes; this does not count as an attempt. */
  async #giveBack(stored: BullJob<StoredJob>, token: string | undefined): Promise<never> {
    const { WaitingError } = await import('bullmq');
    await stored.moveToWait(token);
    throw new WaitingError();
  }

  #track(job: Promise<void>): Promise<void> {
    const tracked = job.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
    return tracked;
  }

  async #close(withinMs?: number): Promise<void> {
    const endsAt = withinMs === undefined ? undefined : performance.now() + withinMs;
    const left = () => (endsAt === undefined ? Infinity : Math.max(1, endsAt - performance.now()));
    const settled = this.pause().then(() => Promise.allSettled(this.#underWay));
    // Reserves time for closing the connections.
    await this.#inTime(settled, left() / 2);
    const opened = await this.#opening?.catch(() => undefined);
    if (opened === undefined) return;
    const closing = Promise.all([this.#worker?.close(), opened.queue.close()]);
    await this.#inTime(closing, Math.min(CLOSE_MS, left()));
    opened.disconnect();
    closing.catch(() => {});
  }

  /** Waits for a step of closing; logs its error. */
  async #inTime(step: Promise<unknown>, ms: number): Promise<void> {
    const isLate = new Error();
    const waiting = ms === Infinity ? step : withDeadline(step, ms, () => isLate);
    await waiting.catch((error: unknown) => {
      if (error !== isLate) this.#errors.log(error);
    });
  }
}

/** Others may add to the same queue, manually or by mistake. */
function isOurs({ data }: BullJob<unknown>): boolean {
  try {
    return fromStored(data) !== undefined;
  } catch {
    return false;
  }
}
