import {
  RetrievalEndEvent,
  RetrievalErrorEvent,
  RetrievalStartEvent,
} from '../events/retrieval.events.js';
import type { WorkEvents } from './traced-run.js';

/** The events of a retrieval. */
export function retrievalEvents(query: unknown, source: string | undefined): WorkEvents<unknown> {
  return {
    start: (run) => new RetrievalStartEvent(run, { query, source }),
    end: (run, documents, durationMs) =>
      new RetrievalEndEvent(run, { query, source, documents, durationMs }),
    error: (run, failure) => new RetrievalErrorEvent(run, { query, source, ...failure }),
  };
}
