import { Injectable, type CallHandler, type ExecutionContext } from '@nestjs/common';
import { Observable, tap } from 'rxjs';
import type { RequestContext } from '../events/run-info.js';
import { ActiveTrace } from '../runs/active-trace.js';
import { readInContext } from '../runs/context-iterable.js';
import { ContextStore, type Frame } from '../runs/context-store.js';
import { MessageFrame } from './microservice-config-check.js';
import { parseRequestId, parseTraceparent } from '../runs/ids.js';
import { inboundOf } from './transports/inbound-of.js';
import type { InboundRequest } from './transports/inbound-request.js';
import { isSse, StreamErrorHandler } from './stream-error-handler.js';
import { mergeContext, newContext, withRoute, type RunContext } from '../runs/request-context.js';

/** Resolves the context of a request; set by `forRoot({ context })`. */
export abstract class ContextResolver {
  abstract resolve(host: ExecutionContext): RunContext | Promise<RunContext> | undefined;
}

/** The token of an application's {@link RequestContexts}: the same in every copy of the package. */
export const REQUEST_CONTEXTS = Symbol.for('nestjs-llm-callbacks:request-contexts');

/**
 * Gives every HTTP request and every message its context: ids, user, and a signal that fires when its client
 * disconnects.
 */
@Injectable()
export class RequestContexts {
  readonly #contexts = new WeakMap<object, Promise<RequestContext>>();
  /** Handled calls: a handler may have this interceptor in addition to the global one. */
  readonly #seen = new WeakSet<ExecutionContext>();

  constructor(
    private readonly store: ContextStore,
    private readonly activeTrace: ActiveTrace,
    private readonly resolver: ContextResolver,
    private readonly lateErrors: StreamErrorHandler,
  ) {}

  async intercept(host: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const inbound = this.#seen.has(host) ? undefined : inboundOf(host);
    if (inbound === undefined) return next.handle();
    this.#seen.add(host);
    if (this.store.current instanceof MessageFrame) this.store.current.intercepted();
    const context = withRoute(await this.#contextOf(host, inbound), routeOf(host));
    const { handlerScope, run, fromCallback } = this.store.current ?? {};
    const { request } = inbound;
    const frame: Frame = { context, handlerScope, run, fromCallback, request };
    const enter = <R>(work: () => R): R => this.store.enter(frame, work);
    // GraphQL subscriptions, and bodies that Nest streams, are read after the handler has returned.
    const answer = new Observable((subscriber) =>
      enter(() => next.handle().subscribe(subscriber)),
    ).pipe(tap((value) => readInContext(value, enter)));
    return this.lateErrors.watch(host, inbound.watch(answer));
  }

  /** A request may pass several times (resolvers, nested handlers); its context is resolved once. */
  #contextOf(host: ExecutionContext, inbound: InboundRequest): Promise<RequestContext> {
    const { request } = inbound;
    let context = this.#contexts.get(request);
    if (context === undefined) {
      context = this.#newContext(host, inbound);
      this.#contexts.set(request, context);
    }
    return context;
  }

  async #newContext(host: ExecutionContext, inbound: InboundRequest): Promise<RequestContext> {
    const around = this.store.current?.context;
    const signal = inbound.disconnectSignal();
    this.#noteEventSource(host, inbound, signal);
    const ids = newContext({
      requestId: parseRequestId(inbound.header('x-request-id')) ?? around?.requestId,
      traceId:
        parseTraceparent(inbound.header('traceparent')) ??
        around?.traceId ??
        this.activeTrace.traceId,
      signal,
    });
    const context = withRoute(mergeContext(ids, around ?? {}), routeOf(host));
    // The application's own lookups belong to the request too.
    const frame: Frame = { context, request: inbound.request };
    const said = await this.store.enter(frame, () => this.resolver.resolve(host));
    return said ? mergeContext(context, said) : context;
  }

  #noteEventSource(
    host: ExecutionContext,
    inbound: InboundRequest,
    signal: AbortSignal | undefined,
  ): void {
    if (signal === undefined || !isSse(host)) return;
    const request = inbound.eventSource?.();
    if (request !== undefined) this.store.addEventSource(signal, request);
  }
}

/** The handler of a request or a message, as `Class.method`. */
function routeOf(host: ExecutionContext): string {
  return `${host.getClass().name}.${host.getHandler().name}`;
}
