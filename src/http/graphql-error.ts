import type { CallbacksError } from '../errors/callbacks-error.js';

/** What a GraphQL client receives in `extensions`. */
export interface GraphqlExtensions {
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
export class GraphqlError extends Error {
  constructor(
    message: string,
    readonly extensions: GraphqlExtensions,
    cause: CallbacksError,
  ) {
    super(message, { cause });
    this.name = extensions.error;
  }
}
