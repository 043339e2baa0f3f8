import type { EventJson } from '../../events/event.js';

/** A durable handler's part of one event, as it waits in a queue: JSON, and nothing else. */
export interface Job {
  /** Made of the event's `eventId` and the handler's name: a queue keeps one job of an id. */
  readonly id: string;
  /** The handler's `name`, by default `Class.method`. */
  readonly handler: string;
  /** What `event.toJSON()` gave. It holds prompts and answers. */
  readonly event: EventJson;
}

/** One try of a job. */
export interface JobTry {
  /** Fires when the queue gives the job up: another process may have it already. */
  readonly signal: AbortSignal;
  /** 1 for the first try. */
  readonly attempt: number;
  /** Whether the job is not tried again when this try fails. A queue that does not say has every failure told. */
  readonly final?: boolean;
}

/** Does a job. Rejects when the job failed and is to be tried again. */
export type JobWork = (job: Job, attempt: JobTry) => Promise<void>;

/**
 * Keeps the work of durable handlers (`{ background: 'durable' }`) until it is done, in this process or in another one;
 * given as `forRoot({ background: { queue } })`. `BullmqJobQueue` of `nestjs-llm-callbacks/bullmq` is one.
 *
 * Jobs are done at least once: a queue that does not know whether a job was done has it done again.
 */
export interface JobQueue {
  /** Settles when the job is stored. A job whose id is there already is left out. */
  add(job: Job): Promise<void>;
  /**
   * Called once, when the application has started: from now on, `work` may be called for jobs. Rejects where the queue
   * cannot be used at all, which fails the start. A queue of a process that only adds jobs calls nothing.
   */
  start(work: JobWork): Promise<void>;
  /** Takes no more jobs; called when shutdown begins, which waits for those that are under way. */
  pause?(): Promise<void>;
  /**
   * Called when shutdown has waited. Settles when jobs under way have settled and connections of its own are closed.
   *
   * @param withinMs how long shutdown waits for that; what is open then must be cut, or it keeps the process alive
   */
  close(withinMs?: number): Promise<void>;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const JobQueue: object = Object;

/** The job of a durable handler for one event. */
export function toJob(
  handler: string,
  event: { readonly eventId: string; toJSON(): EventJson },
): Job {
  return { id: `${event.eventId}/${handler}`, handler, event: event.toJSON() };
}
