import { Injectable, type ExecutionContext } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { catchError, of, type Observable } from 'rxjs';
import { CallbacksError } from '../errors/index.js';
import { LateErrors } from '../run/index.js';
import { CallbacksExceptionFilter } from './callbacks-exception.filter.js';

/** What `@Sse()` marks a method with. */
const SSE = '__sse__';

interface HttpResponse {
  readonly raw?: HttpResponse;
  readonly headersSent?: boolean;
}

/** In applications that have the {@link CallbacksExceptionFilter}, has it say what fails in a stream of `@Sse()`. */
@Injectable()
export class SseErrors extends LateErrors {
  constructor(private readonly modules: ModulesContainer) {
    super();
  }

  watch(host: ExecutionContext, answer: Observable<unknown>): Observable<unknown> {
    if (host.getType() !== 'http' || !Reflect.hasMetadata(SSE, host.getHandler())) return answer;
    const response = host.switchToHttp().getResponse<HttpResponse>();
    return answer.pipe(
      catchError((error: unknown) => {
        const isLate = (response.raw ?? response).headersSent === true;
        const filter = isLate && error instanceof CallbacksError ? this.#filter() : undefined;
        if (filter === undefined) throw error;
        return of({ type: 'error', data: filter.bodyOf(error as CallbacksError) });
      }),
    );
  }

  #filter(): CallbacksExceptionFilter | undefined {
    for (const { providers, injectables } of this.modules.values()) {
      for (const { instance } of [...providers.values(), ...injectables.values()]) {
        if (instance instanceof CallbacksExceptionFilter) return instance;
      }
    }
    return undefined;
  }
}
