import { STATUS_CODES } from 'node:http';
import { HttpException, type MessageEvent } from '@nestjs/common';
import { CallbacksError } from '../errors/callbacks-error.js';
import { logReason } from '../util/error-text.js';
import { Log } from '../util/log.js';
import { CallbacksExceptionFilter } from './callbacks-exception.filter.js';

const SERVER_ERROR = 500;

/**
 * The last event of a stream that fails. It is not named `error`, because `EventSource` reports lost connections under
 * that name.
 */
export function failedEvent(error: unknown): MessageEvent {
  return { type: 'failed', data: bodyOf(error) };
}

/** The body that a client receives for a failed request. */
function bodyOf(error: unknown): object {
  if (error instanceof CallbacksError) return new CallbacksExceptionFilter().bodyOf(error);
  if (error instanceof HttpException) return bodyOfHttp(error);
  new Log('Callbacks').error(logReason(error), error);
  return { statusCode: SERVER_ERROR, message: 'Internal server error' };
}

/** As Nest's own filter writes it. */
function bodyOfHttp(error: HttpException): object {
  const response = error.getResponse();
  if (typeof response === 'object' && !(response instanceof Error)) return response;
  const statusCode = error.getStatus();
  const message = typeof response === 'string' ? response : (STATUS_CODES[statusCode] ?? 'Error');
  return { statusCode, message };
}
