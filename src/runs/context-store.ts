import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { FromCallback, RequestContext } from '../events/run-info.js';
import type { HandlerScope } from '../handlers/handler-scope.js';
import type { Usage } from '../types/usage.js';
import type { EventSourceRequest } from './event-source.js';

/** A run, as code that belongs to it sees it. */
export interface VisibleRun {
  readonly runId: string;
  readonly parentRunId: string | undefined;
  /** The nearest named client, `'default'` where there is none. */
  readonly scope: string;
}

/** What a run knows of the one around it. */
export interface ParentRun extends VisibleRun {
  readonly rootRunId: string;
  /** The root of its tree. */
  readonly root: object;
  readonly ended: boolean;
  /** Adds what a call inside has used. */
  spent(usage: Usage, cost: number | null): void;
}

/** The place in the application's flow where a run may be started. */
export interface Frame {
  readonly context: RequestContext;
  /** What a run that starts here is heard by; undefined outside of any run and handler. */
  readonly handlerScope?: HandlerScope | undefined;
  /** The run around. */
  readonly run?: ParentRun | undefined;
  /** The run that code here works for without being a part of it: it handles an event of that run, or prepares it. */
  readonly handled?: VisibleRun | undefined;
  /** The handler around; of no meaning inside a run. */
  readonly fromCallback?: FromCallback | undefined;
  /** The inbound request around: an HTTP request, or what stands for a message. */
  readonly request?: object | undefined;
}

/** Does work at a place in the application's flow. */
export type Enter = <R>(work: () => R) => R;

/** Does work where the caller is. */
export const here: Enter = (work) => work();

/** Has work done later where the caller is now: entered once, a place costs next to nothing to come back to. */
export function comeBack(): Enter {
  return AsyncLocalStorage.snapshot();
}

/** Keeps the frame of each asynchronous flow; one an application, so that two never nest in each other. */
@Injectable()
export class ContextStore implements OnApplicationShutdown {
  readonly #storage = new AsyncLocalStorage<Frame>();
  /** Whether runs hold their request; without need they don't, because whoever keeps an event would keep it as well. */
  holdsRequests = false;

  /** Requests of `@Sse()` handlers, by the signal that all contexts of a request share. */
  readonly #eventSources = new WeakMap<AbortSignal, EventSourceRequest>();

  get current(): Frame | undefined {
    return this.#storage.getStore();
  }

  enter<R>(frame: Frame, work: () => R): R {
    return this.#storage.run(frame, work);
  }

  /** The inbound request of the `@Sse()` handler that the caller works for. */
  get eventSource(): EventSourceRequest | undefined {
    const signal = this.current?.context.signal;
    return signal && this.#eventSources.get(signal);
  }

  /** Notes that contexts with this signal are those of an `@Sse()` handler. */
  addEventSource(signal: AbortSignal, request: EventSourceRequest): void {
    this.#eventSources.set(signal, request);
  }

  /** Does work for the same ears and in the same context, but as part neither of the run around nor of its request. */
  apart<R>(work: () => R): R {
    if (this.current === undefined) return work();
    const { context, handlerScope, fromCallback } = this.current;
    return this.enter({ context, handlerScope, fromCallback }, work);
  }

  /** Before Node 24, each promise of the process walks all storages that were ever used; a closed application's goes. */
  onApplicationShutdown(): void {
    this.#storage.disable();
  }
}
