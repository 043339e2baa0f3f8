import {
  CallbackAbort,
  CallbacksConfigurationError,
  CallbacksError,
} from '../errors/callbacks-error.js';
import { isOptions, kindOf, unknownOption, type OptionNames } from '../util/known-options.js';

/** Whether the same request may succeed on a retry. */
export function isTransient(error: unknown): boolean {
  return error instanceof CallbacksError && error.retryable && !(error instanceof CallbackAbort);
}

/** Returns a function that rejects invalid options of an interceptor; unknown options are rejected immediately. */
export function checkerFor(
  interceptor: string,
  options: object,
  known: OptionNames,
): (isFine: boolean, what: string) => void {
  const check = (isFine: boolean, what: string) => {
    if (!isFine) throw new CallbacksConfigurationError(`${interceptor}: ${what}`);
  };
  check(isOptions(options), `the options must be an object, not ${kindOf(options)}.`);
  const unknown = unknownOption(options, known);
  check(unknown === undefined, `there is no ${unknown}.`);
  return check;
}

/** Rejects the arguments of a Nest interceptor, for one of ours that was given in its place. */
export function checkNext(interceptor: string, next: unknown): void {
  if (typeof next === 'function') return;
  throw new CallbacksConfigurationError(
    `${interceptor} of nestjs-llm-callbacks intercepts LLM calls, not requests: take it out of @UseInterceptors() or useGlobalInterceptors(), and list it under "providers", or give it in a list of callbacks. If Nest's interceptor of that name was meant, import it from its own package.`,
  );
}
