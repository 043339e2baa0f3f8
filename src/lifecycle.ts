import { setTimeout as delay } from 'node:timers/promises';
import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { Application } from './application.js';
import { ContextWarnings } from './context-warnings.js';
import { withDeadline } from './deadline.js';
import { Explorer } from './discovery/index.js';
import { Background } from './dispatch/index.js';
import { DurableWorker } from './durable/index.js';
import { LlmAbortedError } from './errors/index.js';
import { HandlerRegistry } from './registry/index.js';
import { Reporter } from './report.js';
import { ActiveTrace, OpenRuns } from './run/index.js';
import { messageOf, oneLine } from './text.js';

/** How long the terminal events of aborted runs are waited for, at least, in milliseconds. */
const ABORT_MS = 1_000;
/** How long what those events begin in the background is waited for. */
const GRACE_MS = 100;
/** How long the job queue is waited for when it closes. */
const CLOSE_MS = 5_000;

/** Starts and stops the machinery with the application. */
@Injectable()
export class Lifecycle implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger('Callbacks');

  constructor(
    private readonly application: Application,
    private readonly explorer: Explorer,
    private readonly registry: HandlerRegistry,
    private readonly activeTrace: ActiveTrace,
    private readonly openRuns: OpenRuns,
    private readonly background: Background,
    private readonly worker: DurableWorker,
    private readonly contextWarnings: ContextWarnings,
    private readonly reporter: Reporter,
  ) {}

  /** Its module is global, so this comes before the hooks of the application's own modules. */
  async onModuleInit(): Promise<void> {
    this.application.checkOptions();
    this.explorer.explore();
    this.registry.checkScopes();
    this.registry.checkDurable(this.application.settings.queue !== undefined);
    await this.activeTrace.load();
    await this.application.prepare();
    this.contextWarnings.check();
  }

  /** Jobs come once every provider is ready for them. */
  async onApplicationBootstrap(): Promise<void> {
    this.registry.closeDurable();
    this.#logger.debug(oneLine(this.reporter.summary()));
    await this.application.settings.queue?.start((job, attempt) => this.worker.work(job, attempt));
  }

  /**
   * Lets runs and the background that are under way end; then aborts the ones, whose terminal events are told either
   * way, and leaves the others behind, whose signals fire.
   */
  async beforeApplicationShutdown(): Promise<void> {
    const { drainMs, queue } = this.application.settings;
    const paused = this.#settled('pause', queue?.pause?.());
    if (!(await isWithin(drainMs, this.#quiet()))) {
      await this.#abortRuns(drainMs, Math.max(drainMs, ABORT_MS));
      this.#leaveBackground(drainMs);
      // Those that came of the background meanwhile.
      await this.#abortRuns(drainMs, ABORT_MS);
    }
    await paused;
    await this.#settled('close', queue?.close());
  }

  /** Settles when no run is under way, and nothing in the background; each may begin the other. */
  async #quiet(): Promise<void> {
    do {
      await this.openRuns.idle();
      await this.background.outstanding.idle();
    } while (this.openRuns.size > 0);
  }

  async #abortRuns(drainMs: number, waitMs: number): Promise<void> {
    if (this.openRuns.size === 0) return;
    this.#logger.warn(
      `${this.openRuns.size} runs did not end within ${drainMs} ms of the shutdown and are aborted.`,
    );
    const cause = new Error(`The application shuts down, and its drainMs of ${drainMs} is over.`);
    this.openRuns.abortAll(
      new LlmAbortedError('The call was aborted because the application shuts down.', { cause }),
    );
    if (!(await isWithin(waitMs, this.openRuns.idle()))) {
      this.#logger.error(
        `${this.openRuns.size} runs are still kept open by their handlers and are left behind.`,
      );
    }
    await isWithin(GRACE_MS, this.background.outstanding.idle());
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

  /** Waits for the job queue, but not for ever, and not for it to succeed. */
  async #settled(what: 'pause' | 'close', settling: Promise<void> | undefined): Promise<void> {
    if (settling === undefined) return;
    try {
      await withDeadline(settling, CLOSE_MS, () => new Error(`it took longer than ${CLOSE_MS} ms`));
    } catch (error) {
      this.#logger.warn(`The job queue did not ${what}: ${oneLine(messageOf(error))}`);
    }
  }
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
