import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { type ArgumentsHost, Catch, type ContextType, type ExceptionFilter } from '@nestjs/common';
import { throwError } from 'rxjs';
import { LimitKeyMissingError, UnknownPriceError } from '../errors/callback-errors.js';
import {
  CallbackAbort,
  CallbacksError,
  describeError,
  type ErrorCode,
  type ErrorJson,
} from '../errors/callbacks-error.js';
import { brand } from '../util/brand.js';
import { Log, logReason } from '../util/log.js';

const MS_PER_SECOND = 1_000;
const FORBIDDEN = 403;
const FIRST_SERVER_ERROR = 500;

/** The status of each kind of error; 499, "client closed request", is what proxies log. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  invalid_request: 400,
  context_length: 400,
  content_filter: 400,
  budget_exceeded: 402,
  pending_run: 409,
  rate_limit: 429,
  rate_limit_exceeded: 429,
  aborted: 499,
  limit_key_missing: 500,
  unknown_price: 500,
  authentication: 502,
  billing: 502,
  permission: 502,
  server_error: 502,
  connection: 502,
  invalid_response: 502,
  schema_validation: 502,
  overloaded: 503,
  limit_store_unavailable: 503,
  timeout: 504,
  callback_timeout: 504,
  real_llm_call: 500,
};

/** The HTTP status of an error. */
export function statusOf(error: CallbacksError): number {
  return STATUS[error.code] ?? (error instanceof CallbackAbort ? FORBIDDEN : FIRST_SERVER_ERROR);
}

/**
 * When a request may be repeated, in whole seconds; `undefined` if unknown or never. RFC 9110 allows digits only, so
 * neither `Infinity` nor `1e+21` may be sent.
 */
function retryAfterSeconds(error: CallbacksError): number | undefined {
  const { retryAfterMs } = error as { retryAfterMs?: unknown };
  const seconds =
    typeof retryAfterMs === 'number' ? Math.ceil(retryAfterMs / MS_PER_SECOND) : Number.NaN;
  return Number.isSafeInteger(seconds) && seconds >= 0 ? seconds : undefined;
}

const SERVER_ERROR = 500;

/** What responses of Express and Fastify have in common. */
interface HttpResponse {
  status(code: number): HttpResponse;
  header(name: string, value: string): HttpResponse;
  send(body: object): unknown;
  /** Fastify's underlying response; absent on Express, whose response is one itself. */
  readonly raw?: ServerResponse;
}

/**
 * Maps errors of this package to HTTP, on Express and Fastify: a spent budget is 402, rate limits are 429 with
 * `Retry-After`, an invalid request is 400, a call that a handler rejected is 403; provider failures are 502, 503 or
 * 504, an unavailable limiter store is 503, a disconnected client is 499, everything else is 500. The body holds
 * `statusCode`, `error`, `code`, `message` and `retryable`. Once an event stream has begun, the error becomes its last
 * event, `failed`.
 *
 * A WebSocket client gets the error's JSON as an `exception` event, a microservice client as its error. Nest has no
 * global filters for gateways: use `@UseFilters(CallbacksExceptionFilter)` there. A GraphQL client gets `code`,
 * `error`, `retryable` and, if known, `retryAfter` (seconds) as `extensions`; field resolvers need
 * `fieldResolverEnhancers: ['filters']` in GraphQL's module. Errors of other kinds are left to other filters.
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
        // Other services may read all messages except advice for this application's developers.
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
      // Headers passed to writeHead() cannot be read back.
      return endBegun(raw, String(raw.getHeader('content-type') ?? headers.accept), body);
    }
    const seconds = retryAfterSeconds(error);
    if (seconds !== undefined) response.header('Retry-After', String(seconds));
    response.status(body.statusCode).send(body);
  }

  /** The body that an HTTP client receives. @internal */
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

  /** The error's JSON as clients may read it. */
  #jsonOf(error: CallbacksError): ErrorJson {
    const json = describeError(error);
    return this.#log(error) ? { ...json, message: 'Internal server error' } : json;
  }

  /** Whether it is a mistake of the application itself: developers read it, clients do not. */
  #log(error: CallbacksError): boolean {
    const isOwn = statusOf(error) === SERVER_ERROR;
    if (isOwn && !isLogged(error)) this.#logger.error(logReason(error), error);
    return isOwn;
  }
}

/** Whether the message explains what the application has to set. */
function isAdvice(error: CallbacksError): error is LimitKeyMissingError | UnknownPriceError {
  return error instanceof LimitKeyMissingError || error instanceof UnknownPriceError;
}

/** Limiters log their advice themselves, at most once a minute, because every call may fail for the same reason. */
function isLogged(error: CallbacksError): boolean {
  return isAdvice(error) && error.limiter !== undefined;
}

/** Ends a response whose status has already been sent. */
function endBegun(raw: ServerResponse, type: string, body: object): void {
  if (raw.writableEnded || raw.destroyed) return;
  if (type.includes('text/event-stream')) {
    raw.end(`event: failed\ndata: ${JSON.stringify(body)}\n\n`);
    return;
  }
  // The only way to signal that the response is incomplete.
  raw.destroy();
}

/** The parts of a `ws` or socket.io client that are used. */
interface WsClient {
  /** Only WebSockets have it; socket.io's clients do not. */
  readonly readyState?: unknown;
  send?(text: string): unknown;
  emit?(event: string, data: object): unknown;
}

/** Sends an error to a client, as Nest's own filter does. */
function emitException(client: WsClient, data: object): void {
  // A WebSocket is also an event emitter, but emits to its own side.
  if (typeof client.readyState === 'number') {
    client.send?.(JSON.stringify({ event: 'exception', data }));
  } else {
    client.emit?.('exception', data);
  }
}

/** What a GraphQL client receives in `extensions`. */
interface GraphqlExtensions {
  readonly code: string | undefined;
  /** The name of the error's class. */
  readonly error: string;
  readonly retryable: boolean;
  /** Seconds until the operation may be retried, if known. */
  readonly retryAfter?: number;
}

/**
 * An error as GraphQL servers report it: they copy the `extensions` of what a resolver throws. Its stack begins with
 * its own message, because some servers send stacks during development; the original error is its `cause`.
 */
class GraphqlError extends Error {
  constructor(
    message: string,
    readonly extensions: GraphqlExtensions,
    cause: CallbacksError,
  ) {
    super(message, { cause });
    this.name = extensions.error;
  }
}
