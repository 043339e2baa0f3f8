import type { CallbackEvent } from 'nestjs-llm-callbacks';

const START = /\.start$/;
const TERMINAL = /\.(end|error)$/;

/** The events of runs that do not have exactly one start, first, and one end or error, last. */
export function badRuns(events: readonly CallbackEvent[]): string[] {
  const runs = new Map<string, string[]>();
  for (const { type, runId } of events) {
    // A handler's error may be reported after the end event that it received.
    if (type === 'callback.error') continue;
    const types = runs.get(runId);
    if (types === undefined) runs.set(runId, [type]);
    else types.push(type);
  }
  const isGood = (types: readonly string[]): boolean =>
    types.findLastIndex((type) => START.test(type)) === 0 &&
    types.findIndex((type) => TERMINAL.test(type)) === types.length - 1;
  return [...runs.values()].filter((types) => !isGood(types)).map((types) => types.join(' '));
}

/** The events whose parent run emitted no event. */
export function unknownParents(events: readonly CallbackEvent[]): string[] {
  const known = new Set(events.map(({ runId }) => runId));
  return events
    .filter(({ parentRunId }) => parentRunId !== undefined && !known.has(parentRunId))
    .map(({ type }) => type);
}
