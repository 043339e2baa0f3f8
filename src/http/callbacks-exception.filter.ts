import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { throwError } from 'rxjs';
import { CallbacksError, describeError } from '../errors/index.js';
import { retryAfterSeconds, statusOf } from './status.js';

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
 * 504, a client that left 499, all else 500. The body holds `statusCode`, `error`, `code`, `message` and `retryable`. Once
 * an event stream has begun, the error becomes its last event, `error`.
 *
 * Errors of other kinds are left to other filters; microservices get the error's JSON.
 *
 * @example
 * ```ts
 * providers: [{ provide: APP_FILTER, useClass: CallbacksExceptionFilter }]
 * ```
 */
@Catch(CallbacksError)
export class CallbacksExceptionFilter implements ExceptionFilter<CallbacksError> {
  readonly #logger = new Logger(CallbacksExceptionFilter.name);

  catch(error: CallbacksError, host: ArgumentsHost): unknown {
    if (host.getType() === 'rpc') return throwError(() => describeError(error));
    if (host.getType() !== 'http') throw error;
    const http = host.switchToHttp();
    const response = http.getResponse<HttpResponse>();
    const raw = response.raw ?? (response as unknown as ServerResponse);
    const body = this.#bodyOf(error);
    if (raw.headersSent) {
      const { headers } = http.getRequest<{ headers: IncomingHttpHeaders }>();
      // Headers that were given to writeHead() cannot be read back.
      endBegun(raw, String(raw.getHeader('content-type') ?? headers.accept), body);
      return undefined;
    }
    const seconds = retryAfterSeconds(error);
    if (seconds !== undefined) response.header('Retry-After', String(seconds));
    response.status(body.statusCode).send(body);
    return undefined;
  }

  #bodyOf(error: CallbacksError) {
    const { name, code, retryable } = error;
    const statusCode = statusOf(error);
    // A mistake of the application's own is its developers' to read, not its clients'.
    if (statusCode === 500) this.#logger.error(error.message, error.stack);
    const message = statusCode === 500 ? 'Internal server error' : error.message;
    return { statusCode, error: name, code, message, retryable };
  }
}

/** Ends a response whose status has been sent. */
function endBegun(raw: ServerResponse, type: string, body: object): void {
  if (raw.writableEnded || raw.destroyed) return;
  if (type.includes('text/event-stream')) {
    raw.end(`event: error\ndata: ${JSON.stringify(body)}\n\n`);
    return;
  }
  // The only way to say that what was sent is not all.
  raw.destroy();
}
