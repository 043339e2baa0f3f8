import type { ExecutionContext } from '@nestjs/common';
import type { Observable } from 'rxjs';

/** Handles errors in the middle of a streamed response, for which Nest no longer calls exception filters. */
export abstract class StreamErrorHandler {
  abstract watch(host: ExecutionContext, answer: Observable<unknown>): Observable<unknown>;
}

/** The metadata key of `@Sse()`. */
const SSE = '__sse__';

/** Whether a handler responds with server-sent events. */
export function isSse(host: ExecutionContext): boolean {
  return host.getType() === 'http' && Reflect.hasMetadata(SSE, host.getHandler());
}
