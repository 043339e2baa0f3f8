import { brand } from '../util/brand.js';
import {
  Callbacks,
  EVENTS,
  type CallbackEvent,
  type EventKind,
  type EventOf,
  type EventType,
} from '../index.js';

/** A run in {@link RecordingCallbacks.tree}. */
export interface RecordedRun {
  /** `'llm'`, `'tool'`, `'agent'` … */
  kind: EventKind;
  /** The types of its events, in the order in which they were emitted. */
  events: EventType[];
  children: RecordedRun[];
}

/**
 * Records every event that it receives.
 *
 * @example
 * ```ts
 * const recording = new RecordingCallbacks();
 * await llm.generate('Hello', { callbacks: [recording] });
 * expect(recording.events.map((event) => event.type)).toEqual(['llm.start', 'llm.end']);
 * ```
 */
export class RecordingCallbacks extends Callbacks {
  static {
    brand(this, 'class:RecordingCallbacks');
  }

  readonly events: CallbackEvent[] = [];

  override onAnyEvent(event: CallbackEvent): void {
    this.events.push(event);
  }

  /** The events of one type. */
  of<T extends EventType>(type: T): EventOf<T>[] {
    return this.events.filter((event): event is EventOf<T> => event.type === type);
  }

  /** The recorded runs, children under their parents; runs whose parent was not recorded are roots. */
  tree(): RecordedRun[] {
    const runs = new Map<string, RecordedRun>();
    const roots: RecordedRun[] = [];
    for (const { runId, parentRunId, type } of this.events) {
      const { kind, phase } = EVENTS[type];
      let run = runs.get(runId);
      if (run === undefined) {
        run = { kind, events: [], children: [] };
        runs.set(runId, run);
        const parent = parentRunId === undefined ? undefined : runs.get(parentRunId);
        (parent?.children ?? roots).push(run);
      }
      // Its other events may be about a handler.
      if (phase === 'start') run.kind = kind;
      run.events.push(type);
    }
    return roots;
  }

  /** Deletes the recorded events. */
  clear(): void {
    this.events.length = 0;
  }
}
