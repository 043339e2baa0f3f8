import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { Catch, type ArgumentsHost, type ContextType, type ExceptionFilter } from '@nestjs/common';
import { throwError } from 'rxjs';
import { brand } from '../util/brand.js';
import { CallbacksError, describeError, type ErrorJson } from '../errors/callbacks-error.js';
import { LimitKeyMissingError, UnknownPriceError } from '../errors/limit-errors.js';
import { logReason } from '../util/error-text.js';
import { Log } from '../util/log.js';
import { GraphqlError } from './graphql-error.js';
import { retryAfterSeconds, statusOf } from './status.js';
import { emitException } from './ws-client.js';

const SERVER_ERROR = 500;

/** What responses of Express and Fastify have in common. */
interface HttpResponse {
  status(code: number): HttpResponse;
  header(name: string, value: string): HttpResponse;
  send(body: object): unknown;
  /** Fastify's underlying response; Express's is one itself. */
  readonly raw?: ServerResponse;
}

/**
 * Says errors of this package in terms of HTTP, on Express and Fastify: a spent budget is 402, rate limits are 429 with
 * `Retry-After`, a refused request is 400, a call that a hook refused 403; what went wrong at the provider is 502, 503 or
 * 504, a limiter whose store is away 503, a client that left 499, all else 500. The body holds `statusCode`, `error`,
 * `code`, `message` and `retryable`. Once an event stream has begun, the error becomes its last event, `failed`.
 *
 * A client of a WebSocket gets the error's JSON as an `exception` event, a microservice's as its error; Nest has no global
 * filters for gateways, so it is `@UseFilters(CallbacksExceptionFilter)` there. A client of GraphQL gets `code`, `error`,
 * `retryable` and, where it is known, `retryAfter` (seconds) as `extensions`; for field resolvers GraphQL's module needs
 * `fieldResolverEnhancers: ['filters']`. Errors of other kinds are left to other filters.
 *
 * @example
 * ```ts
 * providers: [{ provide: APP_FILTER, useClass: CallbacksExceptionFilter }]
 * ```
 */
@Catch(CallbacksError)
export class CallbacksExceptionFilter implements ExceptionFilter<CallbacksError> {
  static {
    brand(this, 'class:CallbacksExceptionFilter');
  }

  readonly #logger = new Log('CallbacksExceptionFilter');

  catch(error: CallbacksError, host: ArgumentsHost): unknown {
    switch (host.getType<'graphql' | ContextType>()) {
      case 'http':
        return this.#reply(error, host.switchToHttp());
      case 'ws':
        return emitException(host.switchToWs().getClient(), this.#jsonOf(error));
      case 'rpc': {
        const json = this.#jsonOf(error);
        // Other services may read all messages but those with advice for this one's developers.
        const shown = isAdvice(error) ? json : describeError(error);
        return throwError(() => shown);
      }
      case 'graphql':
        throw this.#graphqlErrorOf(error);
      default:
        throw error;
    }
  }

  #reply(error: CallbacksError, http: ReturnType<ArgumentsHost['switchToHttp']>): void {
    const response = http.getResponse<HttpResponse>();
    const raw = response.raw ?? (response as unknown as ServerResponse);
    const body = this.bodyOf(error);
    if (raw.headersSent) {
      const { headers } = http.getRequest<{ headers: IncomingHttpHeaders }>();
      // Headers that were given to writeHead() cannot be read back.
      return endBegun(raw, String(raw.getHeader('content-type') ?? headers.accept), body);
    }
    const seconds = retryAfterSeconds(error);
    if (seconds !== undefined) response.header('Retry-After', String(seconds));
    response.status(body.statusCode).send(body);
  }

  /** What a client of HTTP is told. @internal */
  bodyOf(error: CallbacksError) {
    const { name, code, message, retryable } = this.#jsonOf(error);
    return { statusCode: statusOf(error), error: name, code, message, retryable };
  }

  #graphqlErrorOf(error: CallbacksError): GraphqlError {
    const { name, code, message, retryable } = this.#jsonOf(error);
    const retryAfter = retryAfterSeconds(error);
    const extensions = {
      code,
      error: name,
      retryable,
      ...(retryAfter !== undefined && { retryAfter }),
    };
    return new GraphqlError(message, extensions, error);
  }

  /** What those outside may read. */
  #jsonOf(error: CallbacksError): ErrorJson {
    const json = describeError(error);
    return this.#log(error) ? { ...json, message: 'Internal server error' } : json;
  }

  /** Whether it is a mistake of the application's own, which is its developers' to read, not its clients'. */
  #log(error: CallbacksError): boolean {
    const isOwn = statusOf(error) === SERVER_ERROR;
    if (isOwn && !isLogged(error)) this.#logger.error(logReason(error), error);
    return isOwn;
  }
}

/** Whether the message says what the application has to set. */
function isAdvice(error: CallbacksError): error is LimitKeyMissingError | UnknownPriceError {
  return error instanceof LimitKeyMissingError || error instanceof UnknownPriceError;
}

/** Limiters log their advice themselves, at most once a minute: every call may fail for want of it. */
function isLogged(error: CallbacksError): boolean {
  return isAdvice(error) && error.limiter !== undefined;
}

/** Ends a response whose status has been sent. */
function endBegun(raw: ServerResponse, type: string, body: object): void {
  if (raw.writableEnded || raw.destroyed) return;
  if (type.includes('text/event-stream')) {
    raw.end(`event: failed\ndata: ${JSON.stringify(body)}\n\n`);
    return;
  }
  // The only way to say that what was sent is not all.
  raw.destroy();
}
