import {
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Observable } from 'rxjs';
import type { RequestContext } from '../events/index.js';
import { ActiveTrace } from './active-trace.js';
import { ContextStore, type Frame } from './context-store.js';
import { parseRequestId, parseTraceparent } from './ids.js';
import { mergeContext, newContext, type RunContext } from './request-context.js';

/** What is used of an Express or Fastify request and response. */
interface HttpRequest {
  headers?: Record<string, unknown>;
}
interface HttpResponse {
  raw?: HttpResponse;
  writableFinished?: boolean;
  once?(event: 'close', listener: () => void): unknown;
}

/** Asks the application who is asking; given by `forRoot({ context })`. */
export abstract class ContextResolver {
  abstract resolve(host: ExecutionContext): RunContext | Promise<RunContext> | undefined;
}

/** Gives every HTTP request its context: ids from its headers, a signal for when its client leaves, and its user. */
@Injectable()
export class RequestContextInterceptor implements NestInterceptor {
  readonly #contexts = new WeakMap<object, Promise<RequestContext>>();

  constructor(
    private readonly store: ContextStore,
    private readonly activeTrace: ActiveTrace,
    private readonly resolver: ContextResolver,
  ) {}

  async intercept(host: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    if (host.getType() !== 'http') return next.handle();
    const context = await this.#contextOf(host);
    const request = host.switchToHttp().getRequest<HttpRequest>();
    const frame: Frame = { ...this.store.current, context, request };
    return new Observable((subscriber) =>
      this.store.enter(frame, () => next.handle().subscribe(subscriber)),
    );
  }

  /** A request may pass several times (resolvers, nested handlers); it is asked about once. */
  #contextOf(host: ExecutionContext): Promise<RequestContext> {
    const request = host.switchToHttp().getRequest<HttpRequest>();
    let context = this.#contexts.get(request);
    if (context === undefined) {
      context = this.#newContext(host, request);
      this.#contexts.set(request, context);
    }
    return context;
  }

  async #newContext(host: ExecutionContext, request: HttpRequest): Promise<RequestContext> {
    const { headers = {} } = request;
    const around = this.store.current?.context;
    const ids = newContext({
      requestId: parseRequestId(headers['x-request-id']) ?? around?.requestId,
      traceId:
        parseTraceparent(headers['traceparent']) ?? around?.traceId ?? this.activeTrace.traceId,
      signal: clientLeft(host.switchToHttp().getResponse<HttpResponse>()),
    });
    const context = mergeContext(ids, around ?? {});
    // The application's own lookups belong to the request too.
    const said = await this.store.enter({ context, request }, () => this.resolver.resolve(host));
    return said ? mergeContext(context, said) : context;
  }
}

/** Fires when the connection closes before the response was written. */
function clientLeft(response: HttpResponse): AbortSignal | undefined {
  const raw = response.raw ?? response;
  if (typeof raw.once !== 'function') return undefined;
  const controller = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort(new Error('The client of the HTTP request left.'));
  });
  return controller.signal;
}
