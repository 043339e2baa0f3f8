import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { FromCallback, RequestContext } from '../events/index.js';
import type { Circles } from '../registry/index.js';
import type { Usage } from '../shapes/index.js';

/** What a run knows of the one around it. */
export interface ParentRun {
  readonly runId: string;
  readonly rootRunId: string;
  readonly ended: boolean;
  /** Adds what a call inside has used. */
  spent(usage: Usage, cost: number | null): void;
}

/** The place in the application's flow where a run may be started. */
export interface Frame {
  readonly context: RequestContext;
  /** What a run that starts here is heard by; undefined outside of any run and handler. */
  readonly circles?: Circles | undefined;
  /** The run around. */
  readonly run?: ParentRun | undefined;
  /** The handler around; of no meaning inside a run. */
  readonly fromCallback?: FromCallback | undefined;
  /** The inbound request around: an HTTP request, or what stands for a message. */
  readonly request?: object | undefined;
}

/** Keeps the frame of each asynchronous flow; one an application, so that two never nest in each other. */
@Injectable()
export class ContextStore implements OnApplicationShutdown {
  readonly #storage = new AsyncLocalStorage<Frame>();

  get current(): Frame | undefined {
    return this.#storage.getStore();
  }

  enter<R>(frame: Frame, work: () => R): R {
    return this.#storage.run(frame, work);
  }

  /** Before Node 24, each promise of the process walks all storages that were ever used; a closed application's goes. */
  onApplicationShutdown(): void {
    this.#storage.disable();
  }
}
