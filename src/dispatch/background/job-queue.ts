import type { EventJson, RunEvent } from '../../events/event.js';

/** One event for one durable handler, as stored in a queue: pure JSON. */
export interface Job {
  /** Derived from the event's `eventId` and the handler's name: a queue keeps one job per id. */
  readonly id: string;
  /** The handler's `name`, by default `Class.method`. */
  readonly handler: string;
  /** The event as JSON, redacted. It contains prompts and answers. */
  readonly event: EventJson;
}

/** One attempt at a job. */
export interface JobTry {
  /** Fires when the queue gives up the job: another process may already have it. */
  readonly signal: AbortSignal;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Whether this attempt is the last. If a queue leaves it undefined, every failure is emitted as `callback.error`. */
  readonly final?: boolean;
}

/** Processes a job. Rejects if the job failed and must be retried. */
export type JobWork = (job: Job, attempt: JobTry) => Promise<void>;

/**
 * Stores the jobs of durable handlers (`{ background: 'durable' }`) until they are done, in this process or another
 * one; passed as `forRoot({ background: { queue } })`. `BullmqJobQueue` of `nestjs-llm-callbacks/bullmq` implements it;
 * prove another one with `describeJobQueue()` of `nestjs-llm-callbacks/testing`.
 *
 * Jobs are processed at least once: if a queue does not know whether a job was done, it runs the job again.
 */
export interface JobQueue {
  /**
   * Settles when the job is stored, also before `start`. Any text can occur in ids and events. A job whose id already
   * exists is ignored, and so is one that was done, as long as the queue remembers it. Of several queues on the same
   * jobs, one processes a job.
   */
  add(job: Job): Promise<void>;
  /**
   * Called once, when the application has started: from then on, the queue may call `work` for jobs. A job is done when
   * the promise of `work` resolves; if it rejects, the queue tries the job again, as often as it is configured to.
   * Rejects if the queue cannot be used at all, which fails the start. In a process that only adds jobs, the queue
   * never calls `work`.
   */
  start(work: JobWork): Promise<void>;
  /**
   * Stops taking jobs, and leaves them to other processes; active jobs continue. Called when shutdown begins, which
   * waits for active jobs. A job that fails after that was stopped by the shutdown: it is left to others, too.
   */
  pause?(): Promise<void>;
  /**
   * Called after shutdown has waited. Settles when active jobs have settled and the queue's own connections are closed.
   *
   * @param withinMs how long shutdown waits; settles then, also while jobs are active. Connections still open then must
   * be cut, or they keep the process alive
   */
  close(withinMs?: number): Promise<void>;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const JobQueue: object = Object;

/** Creates the job of a durable handler for one event, which is redacted. */
export function toJob(handler: string, event: Pick<RunEvent, 'eventId' | 'redacted'>): Job {
  return { id: `${event.eventId}/${handler}`, handler, event: event.redacted('queue') };
}
