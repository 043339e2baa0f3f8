import { CallbackAbort, CallbacksConfigurationError, CallbacksError } from '../errors/index.js';

/** Whether the same request may succeed when it is made again. */
export function isTransient(error: unknown): boolean {
  return error instanceof CallbacksError && error.retryable && !(error instanceof CallbackAbort);
}

/** What refuses options of an interceptor that make no sense. */
export function checkerFor(interceptor: string): (isFine: boolean, what: string) => void {
  return (isFine, what) => {
    if (!isFine) throw new CallbacksConfigurationError(`${interceptor}: ${what}`);
  };
}
