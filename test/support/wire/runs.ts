import { expect } from '@jest/globals';
import { EVENTS, type CallbackEvent } from 'nestjs-llm-callbacks';

/** Expects of every recorded run: one start, first; one end or error, last; and numbered events in between. */
export function expectRunsThatEndedOnce(events: readonly CallbackEvent[]): void {
  const runs = new Map<string, CallbackEvent[]>();
  for (const event of events) {
    // A handler's error may be reported after the end event that it received.
    if (event.type === 'callback.error') continue;
    runs.set(event.runId, [...(runs.get(event.runId) ?? []), event]);
  }
  for (const run of runs.values()) {
    const phases = run.map(({ type }) => EVENTS[type].phase);
    expect(phases.filter((phase) => phase === 'start')).toEqual(['start']);
    expect(phases[0]).toBe('start');
    const terminal = phases.filter((phase) => phase === 'end' || phase === 'error');
    expect(terminal).toHaveLength(1);
    expect(phases.at(-1)).toBe(terminal[0]);
    const numbers = run.map(({ eventId }) => Number(eventId.split(':')[1]));
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  }
}
