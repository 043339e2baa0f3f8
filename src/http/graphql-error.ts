import type { CallbacksError } from '../errors/callbacks-error.js';

/** What a client of GraphQL reads in `extensions`. */
export interface GraphqlExtensions {
  readonly code: string | undefined;
  /** The name of the error's class. */
  readonly error: string;
  readonly retryable: boolean;
  /** Seconds, where it is known when the operation may be tried again. */
  readonly retryAfter?: number;
}

/**
 * An error as servers of GraphQL report it: they take over the `extensions` of what a resolver throws. Its stack begins
 * with its own message, because some servers send stacks while they are developed; the error itself is its `cause`.
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
