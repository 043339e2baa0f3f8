import { isObject, jsonTextOf, listOf, textOf, type WireObject } from '../shared/wire-values.js';

/** A section of what a model wrote. */
export interface Written {
  readonly type: 'text' | 'reasoning' | 'refusal';
  readonly text: string;
}

/**
 * The sections in the `content` of a message or a delta. Most servers send a text; Mistral's reasoning models a list of
 * parts; some gateways the very object of a structured answer.
 */
export function writtenIn(content: unknown): Written[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  if (Array.isArray(content)) return content.flatMap(partOf);
  if (content === undefined || content === null) return [];
  return isObject(content) && isPart(content)
    ? partOf(content)
    : [{ type: 'text', text: jsonTextOf(content) }];
}

const PART_TYPES: ReadonlySet<unknown> = new Set([
  'text',
  'output_text',
  'thinking',
  'reasoning',
  'refusal',
]);

function isPart({ type, text, thinking, reasoning, refusal }: WireObject): boolean {
  return PART_TYPES.has(type) && (text ?? thinking ?? reasoning ?? refusal) !== undefined;
}

function partOf(part: unknown): Written[] {
  if (typeof part === 'string') return writtenIn(part);
  if (!isObject(part)) return [];
  switch (part['type']) {
    case 'thinking':
    case 'reasoning':
      return written('reasoning', plainText(part['thinking'] ?? part['reasoning'] ?? part['text']));
    case 'refusal':
      return written('refusal', textOf(part['refusal']));
    default:
      return written('text', textOf(part['text']));
  }
}

/** Reasoning is a text, or again a list of parts. */
function plainText(value: unknown): string {
  if (typeof value === 'string') return value;
  return listOf(value)
    .map((part) => (isObject(part) ? textOf(part['text']) : textOf(part)))
    .join('');
}

function written(type: Written['type'], text: string): Written[] {
  return text === '' ? [] : [{ type, text }];
}
