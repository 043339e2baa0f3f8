import { firstValueFrom, isObservable, toArray } from 'rxjs';
import { toJsonText } from '../events/serialize.js';
import { LlmStream } from '../llm/llm-stream.js';
import type { ContentPart, Message } from '../types/message.js';
import { AgentStream } from './agent-stream.js';

/** The complete result of a tool: streams are read to their end, and return a promise. */
export function collect(returned: unknown): unknown {
  if (returned instanceof LlmStream) return returned.response.then(({ text }) => text);
  if (returned instanceof AgentStream) return returned.result.then(({ output }) => output);
  if (isObservable(returned)) return firstValueFrom(returned.pipe(toArray())).then(joined);
  return isAsyncIterable(returned) ? collectItems(returned) : returned;
}

async function collectItems(items: AsyncIterable<unknown>): Promise<unknown> {
  const collected: unknown[] = [];
  for await (const item of items) collected.push(item);
  return joined(collected);
}

/**
 * A tool's result as the model receives it: text, parts of a message, or JSON; at most `maxChars` of it. Never throws,
 * whatever the tool returned: values that JSON cannot hold, or that are too deep or too large (`bounds.ts`), are
 * marked.
 */
export function toContent(result: unknown, maxChars: number): Message['content'] {
  if (typeof result === 'string') return cut(result, maxChars);
  if (isParts(result)) {
    return result.map((part) =>
      part.type === 'text' ? { ...part, text: cut(part.text, maxChars) } : part,
    );
  }
  return cut(toJsonText(result), maxChars);
}

/** The beginning of a long text, with a mark of how much is missing. */
export function cut(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  // Not inside a surrogate pair.
  const begin = text.slice(0, maxChars).replace(/[\uD800-\uDBFF]$/, '');
  return `${begin}\n[cut: ${text.length - begin.length} of ${text.length} characters are left out]`;
}

function joined(items: unknown[]): unknown {
  return items.every((item) => typeof item === 'string') ? items.join('') : items;
}

function isParts(value: unknown): value is ContentPart[] {
  try {
    return Array.isArray(value) && value.length > 0 && isPart(value[0]) && value.every(isPart);
  } catch {
    // A getter that throws.
    return false;
  }
}

/** Whether it can be sent: a value that only resembles a part is data. */
function isPart(value: unknown): boolean {
  const { type, text, url, data } = Object(value) as Record<string, unknown>;
  if (type === 'text') return typeof text === 'string';
  return type === 'image' && (typeof url === 'string' || ArrayBuffer.isView(data));
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return (
    typeof (Object(value) as { [Symbol.asyncIterator]?: unknown })[Symbol.asyncIterator] ===
    'function'
  );
}
