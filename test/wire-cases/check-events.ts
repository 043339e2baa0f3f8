import { isDeepStrictEqual } from 'node:util';
import {
  CallbacksError,
  type CallbackEvent,
  type LlmChunk,
  type ToolCall,
} from 'nestjs-llm-callbacks';
import type { Outcome } from './play-case.js';

/** The errors, thrown or on events, that are not errors of the package. */
export function foreignErrors(
  { error, next }: Outcome,
  events: readonly CallbackEvent[],
): unknown[] {
  const thrown = [error, next?.error].filter((value) => value !== undefined);
  const carried = events.flatMap((event) =>
    event.type === 'llm.error' || event.type === 'agent.error' ? [event.error] : [],
  );
  return [...thrown, ...carried].filter((value) => !(value instanceof CallbacksError));
}

/** The differences between chunks and answer, one line for each streamed call that ended. */
export function chunkMismatches(events: readonly CallbackEvent[]): string[] {
  return events.flatMap((event) => {
    if (event.type !== 'llm.end') return [];
    const chunks = events.flatMap((other) =>
      other.type === 'llm.chunk' && other.runId === event.runId ? [other.chunk] : [],
    );
    const isStreamed = events.some(
      (other) => other.type === 'llm.start' && other.runId === event.runId && other.streaming,
    );
    return isStreamed ? compare(chunks, event.text, event.toolCalls) : [];
  });
}

function compare(chunks: readonly LlmChunk[], text: string, calls: readonly ToolCall[]): string[] {
  const streamed = chunks.map((chunk) => (chunk.type === 'text' ? chunk.text : '')).join('');
  const groups = groupCalls(chunks);
  return [
    ...(streamed === text ? [] : [`the text chunks join to "${streamed}", not to "${text}"`]),
    ...(groups.length === calls.length
      ? []
      : [`there are chunks of ${groups.length} calls, and ${calls.length} calls`]),
    ...calls.flatMap(({ name, argsText, args }, index) => {
      const group = groups[index];
      const isSame =
        group?.name === name &&
        (group.argsText === argsText || isDeepStrictEqual(parse(group.argsText), args));
      return isSame
        ? []
        : [`call ${index} is ${name}(${argsText}), ${JSON.stringify(group)} was streamed`];
    }),
  ];
}

interface Group {
  name: string | undefined;
  argsText: string;
}

function groupCalls(chunks: readonly LlmChunk[]): Group[] {
  const groups = new Map<number, Group>();
  for (const chunk of chunks) {
    if (chunk.type !== 'tool-call') continue;
    const group = groups.get(chunk.index) ?? { name: undefined, argsText: '' };
    group.name ??= chunk.name;
    group.argsText += chunk.argsDelta;
    groups.set(chunk.index, group);
  }
  return [...groups].toSorted(([a], [b]) => a - b).map(([, group]) => group);
}

/** No text at all means no arguments. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text.trim() === '' ? '{}' : text);
  } catch {
    return text;
  }
}
