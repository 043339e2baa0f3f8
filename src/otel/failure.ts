import type { Attributes } from '@opentelemetry/api';

import { LlmError, SchemaValidationError } from '../errors/llm-errors.js';
import type { CallbackEvent } from '../events/event-map.js';
import { kindOf, logReason } from '../util/log.js';
import { errorType } from './end-attributes.js';
import { ATTR } from './names.js';

/** What may be said about an error. */
export interface Failure {
  readonly attributes: Attributes;
  /** Redacted. Without content, only the kind of an error whose text may have been written by anybody. */
  readonly message: string;
}

/** @param withContent whether messages may quote content: answers, arguments, results of tools */
export function describeFailure(
  event: CallbackEvent,
  error: unknown,
  withContent: boolean,
): Failure {
  const text = withContent || isOwnText(error) ? logReason(error) : kindOf(error);
  const redacted = event.redacted('span', text);
  return {
    attributes: { [ATTR.errorType]: errorType(error) },
    message: typeof redacted === 'string' ? redacted : kindOf(error),
  };
}

/** Messages of these errors are this package's own, and quote nothing. */
function isOwnText(error: unknown): boolean {
  return error instanceof LlmError && !(error instanceof SchemaValidationError);
}
