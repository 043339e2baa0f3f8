import { isTimeoutMs } from '../../util/deadline.js';
import { CallbacksConfigurationError } from '../../errors/callbacks-error.js';
import { isOptions, kindOf, unknownOption, type OptionNames } from '../../util/known-options.js';
import type { JobQueue } from './job-queue.js';

/** How work that nobody waits for is done: `forRoot({ background })`. */
export interface BackgroundOptions {
  /**
   * How many handlers with `background: true` run at once.
   * @default 16
   */
  concurrency?: number;
  /**
   * How many of them wait for their turn.
   * @default 1_000
   */
  queueSize?: number;
  /**
   * What happens to an event for whose handler there is no room: the run waits until there is, unless it is aborted; or
   * the handler is not called, which is counted and told as `callback.error`. What a handler in the background causes,
   * and what an aborted run tells, waits in the queue without holding anybody up, up to `queueSize` more of it; beyond
   * that it is dropped too.
   * @default 'wait'
   */
  whenFull?: 'wait' | 'drop';
  /**
   * How long shutdown waits for runs and the background together, in milliseconds. Then runs are aborted, and those whose
   * work ignores that are ended all the same; handlers in the background are left behind. All of that takes less than a
   * second more.
   * @default 10_000
   */
  drainMs?: number;
  /** Where the work of handlers with `background: 'durable'` waits. Without it there can be none. */
  queue?: JobQueue;
  /**
   * How long a run waits for `queue` to take a job, in milliseconds. Then it goes on, and the failure is told as
   * `callback.error`, although the job may arrive later. A queue that owes an answer, or that took long to fail, is
   * not waited for again until it has taken a job: each run hands its job over and goes on. It owes `queueSize` answers
   * at most.
   * @default 5_000
   */
  addTimeoutMs?: number;
}

/** {@link BackgroundOptions} with everything filled in. */
export interface BackgroundSettings extends Required<Omit<BackgroundOptions, 'queue'>> {
  /** Absent where there are no durable handlers. */
  readonly queue: JobQueue | undefined;
}

export const BACKGROUND_DEFAULTS: BackgroundSettings = {
  concurrency: 16,
  queueSize: 1_000,
  whenFull: 'wait',
  drainMs: 10_000,
  queue: undefined,
  addTimeoutMs: 5_000,
};

const KNOWN: OptionNames = new Set(Object.keys(BACKGROUND_DEFAULTS));
const QUEUE_METHODS = ['add', 'start', 'close'] as const satisfies (keyof JobQueue)[];

/** Fills in the defaults; refuses what makes no sense. */
export function toBackgroundSettings(options: BackgroundOptions = {}): BackgroundSettings {
  if (!isOptions(options)) throw refusal(` must be an object, not ${kindOf(options)}`);
  const unknown = unknownOption(options, KNOWN);
  if (unknown !== undefined) throw refusal(` has no ${unknown}`);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const settings: BackgroundSettings = { ...BACKGROUND_DEFAULTS, ...Object.fromEntries(given) };
  const { concurrency, queueSize, whenFull, drainMs, queue, addTimeoutMs } = settings;
  if (!(Number.isSafeInteger(concurrency) && concurrency > 0))
    throw refusal('.concurrency must be a whole number above 0');
  if (!(Number.isSafeInteger(queueSize) && queueSize >= 0))
    throw refusal('.queueSize must be a whole number, 0 or more');
  if (whenFull !== 'wait' && whenFull !== 'drop')
    throw refusal(".whenFull must be 'wait' or 'drop'");
  if (!(drainMs === 0 || isTimeoutMs(drainMs)))
    throw refusal('.drainMs must be 0 or more milliseconds');
  if (!isTimeoutMs(addTimeoutMs))
    throw refusal('.addTimeoutMs must be a positive number of milliseconds');
  const isQueue = QUEUE_METHODS.every((method) => typeof queue?.[method] === 'function');
  if (queue !== undefined && !isQueue)
    throw refusal(
      '.queue must be a JobQueue: an object with add(), start() and close(), such as new BullmqJobQueue({ connection })',
    );
  return settings;
}

function refusal(what: string): CallbacksConfigurationError {
  return new CallbacksConfigurationError(`background${what}.`);
}
