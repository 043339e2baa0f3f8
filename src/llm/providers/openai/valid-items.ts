import { isObject, isWritable, listOf, textOf, type WireObject } from '../shared/wire-values.js';
import { saidIn } from './responses-answer.js';

/** Ids of the items of function calls; they may be left out. */
const CALL_ITEM_ID = /^fc/;

/**
 * An item of an answer as the Responses API takes it back: unchanged, where it has the form of its kind. A message of
 * another form goes back as its text; every other item of another form is left out, because a request is refused as a
 * whole for one of them. Kinds that are not known yet go back as they came.
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

/** Without an id that the API would refuse; nothing of it but its kind, where it cannot be written. */
function callItem(item: WireObject): WireObject {
  if (!isWritable(item)) return { type: item['type'] };
  const { id, ...rest } = item;
  return CALL_ITEM_ID.test(textOf(id)) ? item : rest;
}
