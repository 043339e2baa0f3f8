import type { MessageEvent } from '@nestjs/common';
import { CallbacksError, type LlmChunk } from 'nestjs-llm-callbacks';
import { catchError, map, of, type Observable } from 'rxjs';

/** Chunks as server-sent events. A call that fails is one too: the status of the response may have been sent before. */
export function toMessages(chunks: Observable<LlmChunk>): Observable<MessageEvent> {
  return chunks.pipe(
    map((chunk): MessageEvent => ({ data: chunk })),
    catchError((error: unknown) => {
      if (!(error instanceof CallbacksError)) throw error;
      return of({ type: 'error', data: error.message });
    }),
  );
}
