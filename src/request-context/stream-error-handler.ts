import type { ExecutionContext } from '@nestjs/common';
import type { Observable } from 'rxjs';

/** Says what goes wrong in the middle of an answer, where Nest asks no exception filter any more. */
export abstract class StreamErrorHandler {
  abstract watch(host: ExecutionContext, answer: Observable<unknown>): Observable<unknown>;
}

/** What `@Sse()` writes on methods. */
const SSE = '__sse__';

/** Whether a handler answers by server-sent events. */
export function isSse(host: ExecutionContext): boolean {
  return host.getType() === 'http' && Reflect.hasMetadata(SSE, host.getHandler());
}
