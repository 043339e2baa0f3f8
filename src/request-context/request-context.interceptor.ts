import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { Observable, tap } from 'rxjs';
import type { RequestContext } from '../events/event.js';
import { readInContext } from '../runs/context-iterable.js';
import {
  ActiveTrace,
  mergeContext,
  newContext,
  parseRequestId,
  parseTraceparent,
  type RunContext,
  withRoute,
} from '../runs/request-context.js';
import { ContextStore, type Frame } from '../runs/run-context.js';
import { brand } from '../util/brand.js';
import { MessageFrame } from './microservice-check.js';
import { inboundOf, type InboundRequest } from './transports.js';

/** Resolves the context of a request; set by `forRoot({ context })`. */
export abstract class ContextResolver {
  abstract resolve(host: ExecutionContext): RunContext | Promise<RunContext> | undefined;
}

/** The token of an application's {@link RequestContexts}: the same in every copy of the package. */
export const REQUEST_CONTEXTS = Symbol.for('nestjs-llm-callbacks:request-contexts');

/** Handles errors in the middle of a streamed response, for which Nest no longer calls exception filters. */
export abstract class StreamErrorHandler {
  abstract watch(host: ExecutionContext, answer: Observable<unknown>): Observable<unknown>;
}

/** The metadata key of `@Sse()`. */
const SSE = '__sse__';

/** Whether a handler responds with server-sent events. */
export function isSse(host: ExecutionContext): boolean {
  return host.getType() === 'http' && Reflect.hasMetadata(SSE, host.getHandler());
}

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
    const inboundTrace = parseTraceparent(inbound.header('traceparent'));
    const ids = newContext({
      requestId: parseRequestId(inbound.header('x-request-id')) ?? around?.requestId,
      traceId: inboundTrace?.traceId ?? around?.traceId ?? this.activeTrace.traceId,
      traceparent: inboundTrace?.traceparent ?? around?.traceparent,
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

/**
 * Gives requests and messages the context that `forRoot({ context })` returns. It is registered as a global
 * interceptor. On Nest 11, global interceptors do not apply to gateways: add it to each gateway. Applying it more than
 * once has no further effect.
 *
 * @example
 * ```ts
 * // above the class of the gateway: @UseInterceptors(RequestContextInterceptor)
 * ```
 */
@Injectable()
export class RequestContextInterceptor implements NestInterceptor {
  static {
    brand(this, 'class:RequestContextInterceptor');
  }

  /** @internal created by Nest */
  constructor(@Inject(REQUEST_CONTEXTS) private readonly contexts: RequestContexts) {}

  intercept(host: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    return this.contexts.intercept(host, next);
  }
}
