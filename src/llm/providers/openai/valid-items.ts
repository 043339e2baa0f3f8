import { isObject, isWritable, listOf, textOf, type WireObject } from '../shared/wire-values.js';
import { saidIn } from './responses-answer.js';

/** Ids of function call items; they may be left out. */
const CALL_ITEM_ID = /^fc/;

/**
 * An item of an answer as the Responses API accepts it: unchanged if it has the form of its kind. A message in another
 * form goes back as its text; every other item in another form is left out, because one such item makes the whole
 * request invalid. Unknown kinds go back unchanged.
 */
export function validItem(item: WireObject): WireObject | undefined {
  switch (item['type']) {
    case 'message':
      return isMessage(item) ? item : plainMessage(item);
    case 'reasoning':
      return isReasoning(item) ? item : undefined;
    case 'function_call':
      return callItem(item);
    default:
      return textOf(item['type']) !== '' && isWritable(item) ? item : undefined;
  }
}

function isMessage(item: WireObject): boolean {
  const { role, content } = item;
  const parts = listOf(content);
  return role === 'assistant' && parts.length > 0 && parts.every(isPart) && isWritable(item);
}

function isPart(part: unknown): boolean {
  if (!isObject(part)) return false;
  const { type, text, refusal } = part;
  if (type === 'output_text') return typeof text === 'string';
  return type === 'refusal' && typeof refusal === 'string';
}

function plainMessage(item: WireObject): WireObject | undefined {
  const { text } = saidIn(item);
  return text.trim() === '' ? undefined : { role: 'assistant', content: text };
}

function isReasoning(item: WireObject): boolean {
  return textOf(item['id']) !== '' && Array.isArray(item['summary']) && isWritable(item);
}

/** Without an id that the API would reject; only its kind if the item cannot be serialized. */
function callItem(item: WireObject): WireObject {
  if (!isWritable(item)) return { type: item['type'] };
  const { id, ...rest } = item;
  return CALL_ITEM_ID.test(textOf(id)) ? item : rest;
}
