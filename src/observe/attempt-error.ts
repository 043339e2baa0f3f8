import { LlmTimeoutError } from '../errors/llm-errors.js';
import { toLlmError } from '../llm/providers/shared/map-error.js';

/** What an attempt of a foreign client failed with. A client aborts its own request when its timeout expires. */
export function attemptError(label: string, thrown: unknown): Error {
  return (Object(thrown) as { name?: unknown }).name === 'AbortError'
    ? new LlmTimeoutError(`${label} did not answer within the client's timeout.`, { cause: thrown })
    : toLlmError(label, thrown);
}
