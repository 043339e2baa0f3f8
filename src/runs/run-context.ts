import { ContentRedactor } from '../redaction/content-redactor.js';
import type { Redactor } from '../redaction/redactor.js';
import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { FromCallback, RequestContext, RunInfo } from '../events/event.js';
import type { HandlerScope } from '../handlers/handler-scope.js';
import type { Handler } from '../handlers/handler.js';
import type { Usage } from '../types/usage.js';
import { type EventSourceRequest, mergeMetadata } from './request-context.js';

/** A run, as its own code sees it. */
interface VisibleRun {
  readonly runId: string;
  readonly parentRunId: string | undefined;
  readonly spanId: string | undefined;
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

/** Takes what observed layers see of the requests that the code of a provider sends for its call. */
export interface InnerRequests {
  /** The kind of requests that count for the call. */
  readonly kind: string;
  /** A request is sent. */
  sent(): InnerRequest;
}

/** One request of a provider, as an observed layer sees it. */
export interface InnerRequest {
  /** What its server has counted so far. */
  readonly counted: (usage: Usage) => void;
  /** Which model answers. */
  readonly answeredBy: (model: string) => void;
  /** The id of its complete answer; `''` if it has none. */
  readonly identified: (id: string) => void;
  readonly failed: (error: Error) => void;
}

/** The async context in which a run may start. */
export interface Frame {
  readonly context: RequestContext;
  /** The handler scope of runs that start here; undefined outside of any run and handler. */
  readonly handlerScope?: HandlerScope | undefined;
  /** The surrounding run. */
  readonly run?: ParentRun | undefined;
  /** What takes the requests of the run's provider, whose code this is. */
  readonly requests?: InnerRequests | undefined;
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
  /** The application's redactor; its runs pass it to their events. */
  redactor: Redactor = new ContentRedactor();

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

/** The part of the handled run that a handler's frame needs. */
type HandledRun = Pick<RunInfo, 'runId' | 'parentRunId' | 'spanId' | 'scope' | 'context'> &
  Pick<Frame, 'request'> & { readonly handlerScope: HandlerScope };

/**
 * The frame inside a handler: outside of any run; the handler's own object does not receive events of runs started
 * here.
 */
export class HandlerFrame implements Frame {
  readonly #run: HandledRun;
  readonly #handler: Handler;

  constructor(run: HandledRun, handler: Handler) {
    this.#run = run;
    this.#handler = handler;
  }

  get context(): RequestContext {
    return this.#run.context;
  }

  get request(): object | undefined {
    return this.#run.request;
  }

  get handlerScope(): HandlerScope {
    return this.#run.handlerScope.insideHandler(this.#handler.target);
  }

  get handled(): VisibleRun {
    return this.#run;
  }

  get fromCallback(): FromCallback {
    return { runId: this.#run.runId, handler: this.#handler.name };
  }
}

/** The run and the request of the current code; frozen, without unknown fields. */
export interface CurrentContext {
  /** The id of the run; absent in a request outside of runs. */
  readonly runId?: string;
  /** The id of the parent run. */
  readonly parentRunId?: string;
  /** Id of the inbound request, or a generated UUID of the run tree. */
  readonly requestId: string;
  /** W3C trace id: 32 lower-case hex digits. */
  readonly traceId: string;
  /** Id of the run's span, if `@BindContext()` gave it one. */
  readonly spanId?: string;
  readonly userId?: string;
  readonly tenantId?: string;
  readonly conversationId?: string;
  /** The handler of the inbound request or message: `Controller.method`. */
  readonly route?: string;
  /** The nearest named client, or `'default'`. */
  readonly scope: string;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const CurrentContext: object = Object;

const FIELDS = ['userId', 'tenantId', 'conversationId', 'route'] as const;

/** The run and request that code in this frame sees. */
export function contextAt({ context, handlerScope, run, handled }: Frame): CurrentContext {
  return snapshotOf(context, handled ?? run, handlerScope?.scopes.at(-1));
}

/** The snapshot of a run, or of code outside of any run. */
export function snapshotOf(
  context: RequestContext,
  run: VisibleRun | undefined,
  scope = 'default',
): CurrentContext {
  const { requestId, traceId, tags, metadata } = context;
  const parentRunId = run?.parentRunId;
  const known = FIELDS.filter((name) => context[name] !== undefined);
  return Object.freeze({
    ...(run !== undefined && { runId: run.runId }),
    ...(parentRunId !== undefined && { parentRunId }),
    requestId,
    traceId,
    ...(run?.spanId !== undefined && { spanId: run.spanId }),
    ...(Object.fromEntries(known.map((name) => [name, context[name]])) as object),
    scope: run?.scope ?? scope,
    tags: Object.freeze([...tags]),
    metadata: Object.freeze(mergeMetadata({}, metadata)),
  });
}
