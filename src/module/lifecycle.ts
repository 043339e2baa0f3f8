import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { Application } from './application.js';
import { ContextWarnings } from './context-warnings.js';
import { withDeadline } from '../util/promises.js';
import { Explorer } from './explorer.js';
import { Background } from '../dispatch/background/background.js';
import { DurableWorker } from './durable-worker.js';
import { LlmAbortedError } from '../errors/llm-errors.js';
import { HandlerRegistry } from '../handlers/handler-registry.js';
import { Reporter } from './report.js';
import { OpenRuns } from '../runs/active-run.js';
import { Log, logReason } from '../util/log.js';

/** The upper bound of everything below, in milliseconds after `drainMs`; the process has a second. */
const AFTER_DRAIN_MS = 850;
/** Until when, after `drainMs`, to wait for the handlers of the last events. */
const LAST_EVENTS_MS = 600;
/** How long to wait for runs to end by their signal, and for parent runs to end after their child. */
const POLITE_MS = 100;
/** How long to wait for background work that the last events start. */
const GRACE_MS = 50;
/** How long to wait for the job queue to pause, and to close. */
const CLOSE_MS = 5_000;
/** Added to the signal's number: the conventional exit code of a process ended by a signal. */
const SIGNAL_EXIT = 128;

/** Starts and stops the library with the application. */
@Injectable()
export class Lifecycle
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  readonly #logger = new Log('Callbacks');

  constructor(
    private readonly application: Application,
    private readonly explorer: Explorer,
    private readonly registry: HandlerRegistry,
    private readonly openRuns: OpenRuns,
    private readonly background: Background,
    private readonly worker: DurableWorker,
    private readonly contextWarnings: ContextWarnings,
    private readonly reporter: Reporter,
  ) {}

  /** Its module is global, so this runs before the lifecycle hooks of the application's own modules. */
  async onModuleInit(): Promise<void> {
    this.application.checkOptions();
    this.explorer.explore();
    this.registry.checkScopes();
    this.registry.checkDurable(this.application.settings.queue !== undefined);
    await this.application.prepare();
    this.contextWarnings.check();
  }

  /** Jobs are consumed once every provider is ready. */
  async onApplicationBootstrap(): Promise<void> {
    this.registry.closeDurable();
    this.#logger.debug(this.reporter.summary());
    await this.application.settings.queue?.start((job, attempt) => this.worker.work(job, attempt));
  }

  /**
   * Lets active runs and background handlers end. At `drainMs`, the common deadline, active runs are aborted, and runs
   * that ignore their signal are given up: each emits its terminal event. Background handlers are abandoned, and their
   * signals fire.
   */
  async beforeApplicationShutdown(signal?: string): Promise<void> {
    const { drainMs, queue } = this.application.settings;
    const deadline = new Deadline(drainMs);
    const paused = this.#settled('pause', queue?.pause?.(), deadline.left(AFTER_DRAIN_MS));
    if (!(await isWithin(drainMs, this.#quiet()))) {
      if (signal !== undefined) exitAsProcessOne(signal);
      await this.#abortRuns(drainMs, deadline);
      this.#leaveBackground(drainMs);
      // Runs that background handlers started meanwhile.
      await this.#abortRuns(drainMs, deadline);
    }
    await paused;
    const closeMs = deadline.left(AFTER_DRAIN_MS);
    await this.#settled('close', queue?.close(closeMs), closeMs);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.application.close();
  }

  /** Settles when no run is active and the background is empty; each may start the other. */
  async #quiet(): Promise<void> {
    do {
      await this.openRuns.idle();
      await this.background.tasks.idle();
    } while (this.openRuns.size > 0);
  }

  async #abortRuns(drainMs: number, deadline: Deadline): Promise<void> {
    if (this.openRuns.size === 0) return;
    this.#logger.warn(
      `${this.openRuns.size} runs did not end within ${drainMs} ms of the shutdown and are aborted.`,
    );
    const cause = new Error(`The application shuts down, and its drainMs of ${drainMs} is over.`);
    const reason = new LlmAbortedError('The call was aborted because the application shuts down.', {
      cause,
    });
    this.openRuns.abortAll(reason);
    const isIdle = await isWithin(POLITE_MS, this.openRuns.idle());
    if (!isIdle) await this.#giveUpRuns(reason, deadline);
    await isWithin(GRACE_MS, this.background.tasks.idle());
  }

  /** Ends the runs that ignore their signal, innermost first, and waits for their last handlers. */
  async #giveUpRuns(reason: Error, deadline: Deadline): Promise<void> {
    while (deadline.left(LAST_EVENTS_MS) > 1) {
      const ending = this.openRuns.giveUpInnermost(reason);
      if (ending.length === 0) break;
      // The wait is short: a handler may hang, and every run must emit its terminal event.
      const closed = Promise.all(ending.map((run) => run.closed)).then(() => undefined);
      await isWithin(Math.min(POLITE_MS, deadline.left(LAST_EVENTS_MS)), closed);
    }
    if (await isWithin(deadline.left(LAST_EVENTS_MS), this.openRuns.idle())) return;
    this.#logger.error(
      `${this.openRuns.size} runs are still kept open by their handlers and are left behind.`,
    );
  }

  #leaveBackground(drainMs: number): void {
    const cause = `The application shuts down, and its drainMs of ${drainMs} is over.`;
    const left = this.background.stop(new LlmAbortedError(cause));
    if (left.size === 0) return;
    const names = [...left].map(([name, count]) => (count === 1 ? name : `${name} (${count})`));
    const total = [...left.values()].reduce((sum, count) => sum + count, 0);
    this.#logger.warn(
      `${total} calls of handlers in the background did not end within ${drainMs} ms of the shutdown and are left behind: ${names.join(', ')}.`,
    );
  }

  /** Waits for the job queue, with a timeout, and ignores its failure. */
  async #settled(
    what: 'pause' | 'close',
    settling: Promise<void> | undefined,
    ms: number,
  ): Promise<void> {
    if (settling === undefined) return;
    const withinMs = Math.min(ms, CLOSE_MS);
    try {
      await withDeadline(settling, withinMs, () => new Error(`it took longer than ${withinMs} ms`));
    } catch (error) {
      this.#logger.warn(`The job queue did not ${what}: ${logReason(error)}`);
    }
  }
}

/** The deadline: `drainMs` after the shutdown begins. */
class Deadline {
  readonly #at: number;

  constructor(drainMs: number) {
    this.#at = performance.now() + drainMs;
  }

  /** Milliseconds until `afterMs` past the deadline; at least 1. */
  left(afterMs: number): number {
    return Math.max(1, Math.ceil(this.#at + afterMs - performance.now()));
  }
}

/**
 * Ends a process that abandons work at shutdown also if it is process 1, as in a container. Nest ends other processes
 * by sending the signal again after all lifecycle hooks. A signal without a listener does not end process 1, so that
 * timers and sockets of tools and handlers that ignore their signals would keep it alive.
 */
function exitAsProcessOne(signal: string): void {
  if (process.pid !== 1) return;
  const exit = () => {
    // Another application in the process is still shutting down, and will send the signal again.
    if (process.listenerCount(signal) > 0) process.once(signal, exit);
    else process.exit(SIGNAL_EXIT + (constants.signals[signal as NodeJS.Signals] ?? 0));
  };
  process.once(signal, exit);
}

async function isWithin(ms: number, work: Promise<void>): Promise<boolean> {
  const over = new AbortController();
  const isDone = work.then(() => {
    over.abort();
    return true;
  });
  const deadline = delay(ms, false, { signal: over.signal }).catch(() => true);
  return Promise.race([isDone, deadline]);
}
