import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { FromCallback, RequestContext } from '../events/run-info.js';
import type { HandlerScope } from '../handlers/handler-scope.js';
import type { Usage } from '../types/usage.js';
import type { EventSourceRequest } from './event-source.js';

/** A run, as its own code sees it. */
export interface VisibleRun {
  readonly runId: string;
  readonly parentRunId: string | undefined;
  /** The nearest named client, or `'default'`. */
  readonly scope: string;
}

/** The parent of a run, as the run sees it. */
export interface ParentRun extends VisibleRun {
  readonly rootRunId: string;
  /** The root of its tree. */
  readonly root: object;
  readonly ended: boolean;
  /** Adds the usage and cost of a nested call. */
  spent(usage: Usage, cost: number | null): void;
}

/** The async context in which a run may start. */
export interface Frame {
  readonly context: RequestContext;
  /** The handler scope of runs that start here; undefined outside of any run and handler. */
  readonly handlerScope?: HandlerScope | undefined;
  /** The surrounding run. */
  readonly run?: ParentRun | undefined;
  /**
   * The run that the code here works for without being part of it: it handles an event of the run, or prepares the run.
   */
  readonly handled?: VisibleRun | undefined;
  /** The surrounding handler; not used inside a run. */
  readonly fromCallback?: FromCallback | undefined;
  /** The surrounding inbound request: an HTTP request, or the object that identifies a message. */
  readonly request?: object | undefined;
}

/** Runs work in an async context. */
export type Enter = <R>(work: () => R) => R;

/** Runs work in the caller's context. */
export const here: Enter = (work) => work();

/** Captures the caller's context, to run work in it later: re-entering a captured context costs almost nothing. */
export function comeBack(): Enter {
  return AsyncLocalStorage.snapshot();
}

/** Stores the frame of each asynchronous flow; one per application, so that frames of two applications never nest. */
@Injectable()
export class ContextStore implements OnApplicationShutdown {
  readonly #storage = new AsyncLocalStorage<Frame>();
  /**
   * Whether runs reference their request. By default they do not, because a retained event would also retain the
   * request.
   */
  holdsRequests = false;

  /** Requests of `@Sse()` handlers, keyed by the signal that all contexts of a request share. */
  readonly #eventSources = new WeakMap<AbortSignal, EventSourceRequest>();

  get current(): Frame | undefined {
    return this.#storage.getStore();
  }

  enter<R>(frame: Frame, work: () => R): R {
    return this.#storage.run(frame, work);
  }

  /** The inbound request of the surrounding `@Sse()` handler. */
  get eventSource(): EventSourceRequest | undefined {
    const signal = this.current?.context.signal;
    return signal && this.#eventSources.get(signal);
  }

  /** Marks contexts with this signal as belonging to an `@Sse()` handler. */
  addEventSource(signal: AbortSignal, request: EventSourceRequest): void {
    this.#eventSources.set(signal, request);
  }

  /** Runs work with the same handlers and the same context, but outside the surrounding run and its request. */
  apart<R>(work: () => R): R {
    if (this.current === undefined) return work();
    const { context, handlerScope, fromCallback } = this.current;
    return this.enter({ context, handlerScope, fromCallback }, work);
  }

  /**
   * Before Node 24, every promise of the process iterates over all storages in use; remove a closed application's
   * storage.
   */
  onApplicationShutdown(): void {
    this.#storage.disable();
  }
}
