import { randomUUID } from 'node:crypto';
import type { FinishReason } from '../../../types/llm.js';
import type { ToolCall } from '../../../types/message.js';

/** A tool call as it was put together; its id may be missing, or another call's too. */
export interface WrittenCall {
  readonly id: string;
  readonly name: string;
  readonly args: string;
}

const CUT =
  'The limit on output tokens (maxOutputTokens) cut the answer before the arguments were complete.';

/** A tool call as the model wrote it: its arguments parsed, or why they could not be. Empty arguments are `{}`. */
export function toToolCall(id: string, name: string, argsText: string): ToolCall {
  if (argsText.trim() === '') return { id, name, args: {}, argsText };
  try {
    return { id, name, args: JSON.parse(argsText) as unknown, argsText };
  } catch {
    return { id, name, args: undefined, argsText, argsError: 'The arguments are not valid JSON.' };
  }
}

/** The tool calls of one answer, each with an id of its own by which its result can be given. */
export function toToolCalls(calls: readonly WrittenCall[]): ToolCall[] {
  const nextId = uniqueIds();
  return calls.map(({ id, name, args }) => toToolCall(nextId(id), name, args));
}

/**
 * Gives each call of one answer an id of its own. Missing ids are random, so that they differ from turn to turn too;
 * doubled ones get a number.
 */
function uniqueIds(): (id: string) => string {
  const seen = new Set<string>();
  return (given) => {
    const id = given || `call_${randomUUID().replaceAll('-', '')}`;
    let unique = id;
    for (let n = 2; seen.has(unique); n++) unique = `${id}_${n}`;
    seen.add(unique);
    return unique;
  };
}

/**
 * The tool calls of an answer, such that each can be called and answered: ids are there and differ, and no call has
 * arguments that the limit on output tokens cut, or cut off. The same list where nothing is amiss.
 */
export function callable(calls: ToolCall[], finishReason: FinishReason): ToolCall[] {
  const isCut = finishReason === 'length' && calls.some(isUnfinished);
  const ids = new Set(calls.map(({ id }) => id));
  if (!isCut && ids.size === calls.length && !ids.has('') && !ids.has(undefined!)) return calls;
  const nextId = uniqueIds();
  return calls.map((call) => {
    const { id, name, argsText } = call;
    const own = { ...call, id: nextId(id) };
    return isCut && isUnfinished(call)
      ? { id: own.id, name, args: undefined, argsText, argsError: CUT }
      : own;
  });
}

/** Whether the arguments may go on behind the end of the answer. No arguments at all are none that are complete. */
function isUnfinished({ argsText, argsError }: Partial<ToolCall>): boolean {
  return argsError !== undefined || !argsText?.trim();
}
