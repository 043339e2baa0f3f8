import {
  CallbackAbort,
  CallbacksConfigurationError,
  CallbacksError,
} from '../errors/callbacks-error.js';
import type { LlmStream } from '../llm/llm-stream.js';
import type { LlmChunk, LlmResponse } from '../types/llm.js';
import { isOptions, kindOf, type OptionNames, unknownOption } from '../util/known-options.js';

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

/** A streamed answer whose first chunk, or end, has arrived; from here on it cannot be taken back. */
export type StartedStream = AsyncGenerator<LlmChunk | LlmResponse, void, undefined>;

/** Waits for the first chunk or the end of a stream; fails if the stream fails before that. */
export async function firstChunk(stream: LlmStream): Promise<StartedStream> {
  const reader = stream[Symbol.asyncIterator]();
  const first = await reader.next();
  return rest(stream, reader, first);
}

async function* rest(
  stream: LlmStream,
  reader: AsyncIterableIterator<LlmChunk, undefined>,
  first: IteratorResult<LlmChunk, undefined>,
): StartedStream {
  try {
    for (let next = first; !next.done; next = await reader.next()) yield next.value;
    yield await stream.response;
  } finally {
    await reader.return?.();
  }
}
