import { setTimeout as delay } from 'node:timers/promises';
import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { Application } from './application.js';
import { Explorer } from './discovery/index.js';
import { LlmAbortedError } from './errors/index.js';
import { HandlerRegistry } from './registry/index.js';
import { ActiveTrace, OpenRuns } from './run/index.js';

/** Starts and stops the machinery with the application. */
@Injectable()
export class Lifecycle implements OnModuleInit, BeforeApplicationShutdown {
  readonly #logger = new Logger('Callbacks');

  constructor(
    private readonly application: Application,
    private readonly explorer: Explorer,
    private readonly registry: HandlerRegistry,
    private readonly activeTrace: ActiveTrace,
    private readonly openRuns: OpenRuns,
  ) {}

  /** Its module is global, so this comes before the hooks of the application's own modules. */
  async onModuleInit(): Promise<void> {
    this.explorer.explore();
    this.registry.checkScopes();
    await this.activeTrace.load();
    await this.application.prepare();
  }

  /** Lets runs that are under way end, then aborts them; their terminal events are told either way. */
  async beforeApplicationShutdown(): Promise<void> {
    const { drainMs } = this.application;
    if (await this.#idleWithin(drainMs)) return;
    this.#logger.warn(
      `${this.openRuns.size} runs did not end within ${drainMs} ms of the shutdown and are aborted.`,
    );
    const cause = new Error(`The application shuts down, and its drainMs of ${drainMs} is over.`);
    this.openRuns.abortAll(
      new LlmAbortedError('The call was aborted because the application shuts down.', { cause }),
    );
    if (await this.#idleWithin(Math.max(drainMs, 1_000))) return;
    this.#logger.error(
      `${this.openRuns.size} runs are still kept open by their handlers and are left behind.`,
    );
  }

  async #idleWithin(ms: number): Promise<boolean> {
    const idle = new AbortController();
    const deadline = delay(ms, false, { signal: idle.signal }).catch(() => true);
    void this.openRuns.idle().then(() => idle.abort());
    return this.openRuns.size === 0 || deadline;
  }
}
