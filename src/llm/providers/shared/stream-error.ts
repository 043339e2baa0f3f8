import { readErrorBody } from './error-body.js';

/**
 * An error that a provider sent inside an answer, in the form of the SDKs' own errors: its message is the provider's
 * sentence, its `error` the body. The body is not enumerable, so that loggers do not print it.
 */
export function toStreamError(body: unknown): Error {
  const { words } = readErrorBody(body);
  const error = new Error(words || 'The provider sent an error without a message.');
  Object.defineProperty(error, 'error', { value: body, writable: true, configurable: true });
  return error;
}
