import { Observable } from 'rxjs';
import type { StreamOutcome } from '../stream-completion.js';
import type { TracedRun } from '../traced-run.js';
import { endAs, endUnread } from './ending.js';

/** Mirrors `source`; the first subscription runs inside the run, and its end ends the run. */
export function watchObservable<T>(work: TracedRun<unknown>, source: Observable<T>): Observable<T> {
  const { run } = work;
  let isTaken = false;
  run.whenAborted((reason) => void work.fail(reason));
  return new Observable((subscriber) => {
    if (isTaken || run.ended) return run.inside(() => source.subscribe(subscriber));
    isTaken = true;
    let isOver = false;
    const finish = (outcome: StreamOutcome<unknown>): void => {
      isOver = true;
      try {
        const ending = endAs(work, outcome);
        if (ending === undefined) subscriber.complete();
        else
          ending.then(
            () => subscriber.complete(),
            (error: unknown) => subscriber.error(error),
          );
      } catch (error) {
        subscriber.error(error);
      }
    };
    const subscription = run.inside(() =>
      source.subscribe({
        next: (value) => subscriber.next(value),
        error: (error) => finish({ error }),
        complete: () => finish({ result: undefined }),
      }),
    );
    if (!isOver) {
      run.whenAborted((error) => {
        if (isOver) return;
        subscription.unsubscribe();
        finish({ error });
      });
    }
    return () => {
      subscription.unsubscribe();
      if (isOver) return;
      isOver = true;
      void endUnread(work, { result: undefined });
    };
  });
}
