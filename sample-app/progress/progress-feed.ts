import { Injectable } from '@nestjs/common';
import { OnAnyEvent, type CallbackEvent } from 'nestjs-llm-callbacks';
import { filter, map, Subject, type Observable } from 'rxjs';
import { toProgress, type Progress } from './progress.js';

/** Passes progress from callbacks to subscribers. */
@Injectable()
export class ProgressFeed {
  readonly #events = new Subject<CallbackEvent>();

  @OnAnyEvent()
  protected hear(event: CallbackEvent): void {
    if (this.#events.observed) this.#events.next(event);
  }

  /** The progress of one user's requests of one id, from now on. */
  of(requestId: string, userId: string): Observable<Progress> {
    return this.#events.pipe(
      filter((event) => event.requestId === requestId && event.userId === userId),
      map(toProgress),
      filter((progress) => progress !== undefined),
    );
  }
}
