import type { CallbackEvent } from 'nestjs-llm-callbacks';

/**
 * Events as lines, in their order, indented under their parents' runs: their types, and of the terminal events of calls
 * the outcome and the number of attempts. Consecutive chunks are one line.
 */
export function treeOf(events: readonly CallbackEvent[]): string[] {
  const depths = new Map<string, number>();
  const lines = events.map((event) => {
    const { runId, parentRunId } = event;
    const parent = parentRunId === undefined ? -1 : depths.get(parentRunId);
    // The run of an unknown parent must not look like a root.
    const depth = depths.get(runId) ?? (parent === undefined ? 9 : parent + 1);
    depths.set(runId, depth);
    return '  '.repeat(depth) + lineOf(event);
  });
  return lines.filter((line, i) => !line.endsWith('llm.chunk') || line !== lines[i - 1]);
}

function lineOf(event: CallbackEvent): string {
  switch (event.type) {
    case 'llm.end':
      return `llm.end: ${event.finishReason}, attempts: ${event.attempts.length}`;
    case 'llm.error': {
      const { code = event.error.name } = event.error as { code?: string };
      return `llm.error: ${event.aborted ? 'aborted, ' : ''}${code}, attempts: ${event.attempts.length}`;
    }
    default:
      return event.type;
  }
}

/** What the model said, used and cost, by the events of calls. */
export function contentOf(events: readonly CallbackEvent[]): unknown[] {
  return events.flatMap((event): unknown[] => {
    if (event.type === 'llm.start') return [[event.model, event.prompt, event.streaming]];
    if (event.type === 'llm.chunk') return [event.chunk];
    if (event.type === 'llm.error') return [[event.text, event.usage, event.cost]];
    if (event.type !== 'llm.end') return [];
    const { text, toolCalls, usage, cost, model, provider } = event;
    return [[text, toolCalls, usage, cost, model, provider]];
  });
}
