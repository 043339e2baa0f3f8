import {
  CallbackAbort,
  CallbacksConfigurationError,
  CallbacksError,
} from '../errors/callbacks-error.js';
import { isOptions, kindOf, unknownOption, type OptionNames } from '../util/known-options.js';

/** Whether the same request may succeed when it is made again. */
export function isTransient(error: unknown): boolean {
  return error instanceof CallbacksError && error.retryable && !(error instanceof CallbackAbort);
}

/** What refuses options of an interceptor that make no sense; those that there are none of are refused at once. */
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

/** Refuses what Nest calls its own interceptors with, where one of ours was given in place of one of them. */
export function checkNext(interceptor: string, next: unknown): void {
  if (typeof next === 'function') return;
  throw new CallbacksConfigurationError(
    `${interceptor} of nestjs-llm-callbacks intercepts LLM calls, not requests: take it out of @UseInterceptors() or useGlobalInterceptors(), and list it under "providers", or give it in a list of callbacks. If Nest's interceptor of that name was meant, import it from its own package.`,
  );
}
