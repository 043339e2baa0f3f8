import { Injectable, type ExecutionContext } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { catchError, of, type Observable } from 'rxjs';
import { markOf } from '../util/brand.js';
import { CallbacksError } from '../errors/callbacks-error.js';
import { isSse, StreamErrorHandler } from '../request-context/stream-error-handler.js';
import { CallbacksExceptionFilter } from './callbacks-exception.filter.js';
import { failedEvent } from './failed-event.js';

/** The metadata that `@UseFilters()` writes on methods and classes. */
const FILTERS = '__exceptionFilters__';
const FILTER = markOf('class:CallbacksExceptionFilter');

interface HttpResponse {
  readonly raw?: HttpResponse;
  readonly headersSent?: boolean;
}

/** Lets the {@link CallbacksExceptionFilter}, if there is one, report failures in an `@Sse()` stream that has begun. */
@Injectable()
export class SseErrors extends StreamErrorHandler {
  constructor(private readonly modules: ModulesContainer) {
    super();
  }

  watch(host: ExecutionContext, answer: Observable<unknown>): Observable<unknown> {
    if (!isSse(host)) return answer;
    const response = host.switchToHttp().getResponse<HttpResponse>();
    return answer.pipe(
      catchError((error: unknown) => {
        const isLate = (response.raw ?? response).headersSent === true;
        if (!isLate || !(error instanceof CallbacksError) || !this.#isFiltered(host)) throw error;
        return of(failedEvent(error));
      }),
    );
  }

  #isFiltered(host: ExecutionContext): boolean {
    for (const { providers } of this.modules.values()) {
      for (const { instance } of providers.values()) if (isFilter(instance)) return true;
    }
    return [host.getHandler(), host.getClass()].some((target) =>
      ((Reflect.getMetadata(FILTERS, target) ?? []) as unknown[]).some(isFilter),
    );
  }
}

/** Whether it is the filter or its class, from any copy of the package. */
function isFilter(filter: unknown): boolean {
  return typeof filter === 'function'
    ? FILTER in filter
    : filter instanceof CallbacksExceptionFilter;
}
