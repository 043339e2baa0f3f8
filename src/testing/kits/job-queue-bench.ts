import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Job, JobQueue, JobTry } from '../../index.js';
import { closeAll, type Kit, type KitOptions } from './kit.js';

/** Makes a queue without jobs, which is not started. */
export type MakeJobQueue<Q extends JobQueue = JobQueue> = () => Q | Promise<Q>;

/** Facts about a job queue, which decide what is tested. */
export interface JobQueueKitOptions<Q extends JobQueue = JobQueue> extends KitOptions {
  /**
   * How often the queues try a job that fails; retries that take long make slow tests. Without it, failures are not
   * tested.
   */
  attempts?: number;
  /**
   * Whether a job that is added again after it was done is ignored.
   * @default false
   */
  remembersDone?: boolean;
  /**
   * Opens another queue on the jobs of `queue`, not started, as another process does. Tests that one takes over what
   * the other one leaves.
   */
  peer?(queue: Q): Q | Promise<Q>;
  /** Called after each test for every queue of the test, when all are closed: removes its jobs. */
  dispose?(queue: Q): void | Promise<void>;
}

/** What a queue that breaks a rule gets to do so, in milliseconds; one that keeps it passes, however slow it is. */
const QUIET_MS = 100;
const CLOSE_MS = 1_000;

/** Adds a test of a rule of `JobQueue`. */
export type AddQueueTest = (
  member: string,
  rule: string,
  run: (bench: QueueBench<JobQueue>) => Promise<void>,
) => void;

/** One call of a job's work. */
export interface Call extends JobTry {
  readonly job: Job;
  readonly queue: JobQueue;
}

/** What the work of a job does; by default, nothing. */
export type Work = (call: Call) => void | Promise<void>;

/** The queue of one test, its peers, and the calls of their work. */
export class QueueBench<Q extends JobQueue> {
  queue!: Q;
  readonly calls: Call[] = [];
  readonly #queues = new Set<Q>();
  readonly #closed = new Set<JobQueue>();
  readonly #held: (() => void)[] = [];

  constructor(
    private readonly kit: Kit,
    private readonly make: MakeJobQueue<Q>,
    private readonly options: JobQueueKitOptions<Q>,
  ) {}

  async open(): Promise<void> {
    this.queue = await this.make();
    this.#queues.add(this.queue);
  }

  /** Another queue on the same jobs. */
  readonly peer = async (): Promise<Q> => {
    const peer = await this.options.peer!(this.queue);
    this.#queues.add(peer);
    return peer;
  };

  readonly start = (queue: JobQueue = this.queue, work: Work = () => undefined): Promise<void> =>
    queue.start(async (job, attempt) => {
      const { signal, attempt: number, final } = attempt;
      const call = { job, signal, attempt: number, ...(final !== undefined && { final }), queue };
      this.calls.push(call);
      await work(call);
    });

  /** A promise for the work of a job, which the test settles. */
  readonly hold = (): { promise: Promise<void>; release(): void; fail(error: Error): void } => {
    let release!: () => void;
    let fail!: (error: Error) => void;
    const promise = new Promise<void>((resolve, reject) => {
      release = resolve;
      fail = reject;
    });
    promise.catch(() => undefined);
    this.#held.push(release);
    return { promise, release, fail };
  };

  /** The calls for one job. */
  readonly callsOf = (id: string): Call[] => this.calls.filter(({ job }) => job.id === id);

  /** Waits until the work of a job was called so many times. */
  readonly called = (id: string, times = 1): Promise<Call> =>
    this.kit.eventually(`the work of the job "${id}" was not called ${times} times`, () => {
      const calls = this.callsOf(id);
      return calls.length >= times && calls.at(-1);
    });

  /** Gives a queue that is wrong the time to call work that it must not call. */
  readonly quiet = (): Promise<void> => delay(QUIET_MS);

  readonly closeQueue = async (queue: JobQueue = this.queue, withinMs?: number): Promise<void> => {
    this.#closed.add(queue);
    await this.kit.inTime('the queue does not close', queue.close(withinMs));
  };

  /** Fails if a promise settles while it must not. */
  readonly stillPending = async (promise: Promise<unknown>, what: string): Promise<void> => {
    const settled = await Promise.race([promise.then(() => true), this.quiet()]);
    assert.ok(settled === undefined, what);
  };

  /** Releases all work, and closes and disposes all queues. */
  async close(): Promise<void> {
    for (const release of this.#held) release();
    const queues = [...this.#queues];
    await closeAll(
      queues,
      async (queue) => {
        if (!this.#closed.has(queue)) await queue.close(CLOSE_MS);
      },
      (queue) => this.options.dispose?.(queue),
    );
  }
}

/** A job as the library makes them. */
export function jobOf(id: string, handler = 'audit', text = 'Hello'): Job {
  return { id, handler, event: { v: 1, type: 'llm.end', eventId: id, text } };
}
