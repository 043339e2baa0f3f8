import { fieldOf } from '../util/log.js';
import type { JsonValue } from './options.js';
import { textOf } from './values.js';

/** One message in the JSON schema of the convention. */
export interface OtelMessage {
  readonly [key: string]: JsonValue;
  readonly role: string;
  readonly parts: JsonValue[];
}

/** Messages of an event's redacted JSON in the convention's form; what is not a message is left out. */
export function toMessages(messages: unknown): OtelMessage[] {
  return listOf(messages).flatMap((message) => {
    const role = textIn(message, 'role');
    return role === undefined ? [] : [{ role, parts: partsOf(message, role) }];
  });
}

/** The answer of a model; `finish_reason` is required before the latest version, and allowed there. */
export function toOutput(response: unknown, finishReason: string): OtelMessage[] {
  const message = fieldOf(response, 'message');
  const role = textIn(message, 'role') ?? 'assistant';
  return [{ role, parts: partsOf(message, role), finish_reason: finishReason }];
}

/** A text, or a value as JSON, as the only part of a message. */
export function textMessage(role: string, value: unknown): OtelMessage[] {
  if (value === undefined) return [];
  return [{ role, parts: [textPart(textOf(value) ?? '')] }];
}

/** System instructions are parts of text. */
export function toInstructions(text: unknown): JsonValue[] {
  return typeof text === 'string' && text !== '' ? [textPart(text)] : [];
}

/** The tools that are offered: only what they are and their names, as the convention advises. */
export function toToolDefinitions(tools: unknown): JsonValue[] {
  return listOf(tools).flatMap((tool) => {
    const name = textIn(tool, 'name');
    return name === undefined ? [] : [{ type: 'function', name }];
  });
}

/** The documents of a retrieval: ids and scores, or what else they are. */
export function toDocuments(documents: unknown): JsonValue[] {
  return listOf(documents).map((document) => {
    const [id, score] = [fieldOf(document, 'id'), fieldOf(document, 'score')];
    if (typeof id !== 'string' && typeof id !== 'number') return document as JsonValue;
    return { id: String(id), ...(typeof score === 'number' && { score }) };
  });
}

function partsOf(message: unknown, role: string): JsonValue[] {
  const content = fieldOf(message, 'content');
  if (role === 'tool') {
    const id = textIn(message, 'toolCallId');
    return [
      { type: 'tool_call_response', ...(id !== undefined && { id }), response: json(content) },
    ];
  }
  const parts = typeof content === 'string' ? [content] : listOf(content);
  return [
    ...parts.flatMap((part) => (part === '' ? [] : [partOf(part)])),
    ...listOf(fieldOf(message, 'toolCalls')).map(toolCallOf),
  ];
}

function partOf(part: unknown): JsonValue {
  if (typeof part === 'string') return textPart(part);
  const type = textIn(part, 'type') ?? 'unknown';
  if (type === 'text') return textPart(textIn(part, 'text') ?? '');
  if (type !== 'image') return { type };
  const url = textIn(part, 'url');
  const [, mimeType, data] = /^data:([^;,]*);base64,(.*)$/s.exec(url ?? '') ?? [];
  if (data !== undefined) return blob(mimeType, data);
  if (url !== undefined) return { type: 'uri', modality: 'image', uri: url };
  // Bytes are only counted in events.
  const bytes = fieldOf(fieldOf(part, 'data'), 'bytes');
  return {
    ...blob(textIn(part, 'mediaType'), ''),
    ...(typeof bytes === 'number' && { bytes }),
  };
}

function blob(mimeType: string | undefined, content: string): { [key: string]: JsonValue } {
  return {
    type: 'blob',
    modality: 'image',
    ...(mimeType ? { mime_type: mimeType } : {}),
    content,
  };
}

function toolCallOf(call: unknown): JsonValue {
  const id = textIn(call, 'id');
  const args = fieldOf(call, 'args') ?? fieldOf(call, 'argsText');
  return {
    type: 'tool_call',
    ...(id !== undefined && { id }),
    name: textIn(call, 'name') ?? '',
    ...(args !== undefined && { arguments: json(args) }),
  };
}

function textPart(content: string): JsonValue {
  return { type: 'text', content };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textIn(value: unknown, name: string): string | undefined {
  const found = fieldOf(value, name);
  return typeof found === 'string' ? found : undefined;
}

/** The JSON of events is plain. */
function json(value: unknown): JsonValue {
  return value as JsonValue;
}
