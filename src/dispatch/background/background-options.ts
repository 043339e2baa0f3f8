import { isTimeoutMs } from '../../util/deadline.js';
import { CallbacksConfigurationError } from '../../errors/callbacks-error.js';
import { isOptions, kindOf, unknownOption, type OptionNames } from '../../util/known-options.js';
import type { JobQueue } from './job-queue.js';

/** Settings of background handlers: `forRoot({ background })`. */
export interface BackgroundOptions {
  /**
   * The maximum number of handlers with `background: true` that run at once.
   * @default 16
   */
  concurrency?: number;
  /**
   * The maximum number of background handlers that wait in the queue.
   * @default 1_000
   */
  queueSize?: number;
  /**
   * What happens to an event if the queue has no room for its handler. `'wait'`: the run waits for room, unless it is
   * aborted. `'drop'`: the handler is not called, which is counted and emitted as `callback.error`. Events caused by
   * background handlers, and events of aborted runs, are queued without blocking, up to `queueSize` more; beyond that
   * they are dropped too.
   * @default 'wait'
   */
  whenFull?: 'wait' | 'drop';
  /**
   * How long shutdown waits for runs and background handlers together, in milliseconds. Then runs are aborted, and runs
   * that ignore their signal are ended anyway; background handlers are abandoned. This takes less than one more second.
   * @default 10_000
   */
  drainMs?: number;
  /** The job queue of handlers with `background: 'durable'`, which require it. */
  queue?: JobQueue;
  /**
   * How long a run waits for `queue` to accept a job, in milliseconds. Then the run continues and `callback.error` is
   * emitted, although the job may still arrive later. After a timeout or a slow failure, runs add their jobs without
   * waiting until the queue has accepted a job again. At most `queueSize` jobs may be unanswered.
   * @default 5_000
   */
  addTimeoutMs?: number;
}

/** {@link BackgroundOptions} with defaults applied. */
export interface BackgroundSettings extends Required<Omit<BackgroundOptions, 'queue'>> {
  /** `undefined` if there are no durable handlers. */
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

/** Applies the defaults; rejects invalid options. */
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
