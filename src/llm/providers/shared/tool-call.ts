import { randomUUID } from 'node:crypto';
import type { FinishReason } from '../../../types/llm.js';
import type { ToolCall } from '../../../types/message.js';

/** An assembled tool call; its id may be missing or duplicated. */
export interface WrittenCall {
  readonly id: string;
  readonly name: string;
  readonly args: string;
}

const CUT =
  'The limit on output tokens (maxOutputTokens) cut the answer before the arguments were complete.';

/** A tool call as the model wrote it: its arguments parsed, or the reason why that failed. Empty arguments are `{}`. */
export function toToolCall(id: string, name: string, argsText: string): ToolCall {
  if (argsText.trim() === '') return { id, name, args: {}, argsText };
  try {
    return { id, name, args: JSON.parse(argsText) as unknown, argsText };
  } catch {
    return { id, name, args: undefined, argsText, argsError: 'The arguments are not valid JSON.' };
  }
}

/** The tool calls of one answer, each with a unique id for its result. */
export function toToolCalls(calls: readonly WrittenCall[]): ToolCall[] {
  const nextId = uniqueIds();
  return calls.map(({ id, name, args }) => toToolCall(nextId(id), name, args));
}

/**
 * Gives each call of one answer a unique id. Missing ids are random, so that they differ between turns too; duplicates
 * get a number.
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
 * The tool calls of an answer in a form in which each can be executed and answered: ids are present and unique, and no
 * call has arguments that the output token limit cut, or cut off. The same list if nothing changes.
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

/** Whether the arguments may continue beyond the end of the answer. No arguments at all count as incomplete. */
function isUnfinished({ argsText, argsError }: Partial<ToolCall>): boolean {
  return argsError !== undefined || !argsText?.trim();
}
