import { LlmResponseError, LlmServerError } from '../../../errors/llm-errors.js';
import type { FinishReason } from '../../../types/llm.js';
import type { Message, ToolCall } from '../../../types/message.js';
import type { AnsweredCall } from '../shared/history.js';
import { errorInBody } from '../shared/map-error.js';
import {
  isObject,
  isWritable,
  listOf,
  objectOf,
  textOf,
  toFinishReason,
  type WireObject,
} from '../shared/wire-values.js';

/** A message's items as the Responses API sent them. */
interface ResponsesData {
  /** The client's label: other servers reject reasoning that one server encrypted. */
  readonly provider: string;
  readonly api: 'responses';
  readonly output: readonly WireObject[];
}

/**
 * The message of an answer; keeps the items as they are when some of them (reasoning …) must be sent back unchanged and
 * in their order.
 */
export function toMessage(
  text: string,
  toolCalls: ToolCall[],
  {
    provider,
    output,
    isStored,
  }: { provider: string; output: readonly WireObject[]; isStored: boolean },
): Message {
  const message: Message = { role: 'assistant', content: text };
  if (toolCalls.length > 0) message.toolCalls = toolCalls;
  const known = output.filter((item) => isStored || isWhole(item));
  if (known.some(isOpaque)) {
    const providerData: ResponsesData = { provider, api: 'responses', output: known };
    message.providerData = providerData;
  }
  return message;
}

/** The items to send back, if a message's opaque data comes from that provider's Responses API. */
export function ownOutput(providerData: unknown, provider: string): WireObject[] | undefined {
  const { api, provider: sender, output } = objectOf(providerData);
  if (api !== 'responses' || sender !== provider || !Array.isArray(output)) return undefined;
  return output.filter(isObject);
}

/**
 * The items of a turn as they go back: its function calls as the conversation has them, and all other items unchanged,
 * if they are accepted. A call of another kind needs an output that is not part of the conversation: it is left out. So
 * is reasoning that nothing follows, which is rejected on its own.
 */
export function ownItems(output: readonly WireObject[], calls: readonly AnsweredCall[]): object[] {
  const items: object[] = [];
  const left = [...calls];
  for (const item of output) {
    const valid = validItem(item);
    if (isWaiting(item)) dropThoughtsAtEnd(items);
    else if (valid === undefined) continue;
    else if (item['type'] !== 'function_call') items.push(valid);
    else {
      const call = takeCall(left, item);
      if (call === undefined) continue;
      const { id, name, argsText } = call;
      items.push({ ...valid, call_id: id, name, arguments: argsText });
    }
  }
  for (const { id, name, argsText } of left)
    items.push({ type: 'function_call', call_id: id, name, arguments: argsText });
  dropThoughtsAtEnd(items);
  return items;
}

function dropThoughtsAtEnd(items: object[]): void {
  while ((items.at(-1) as WireObject | undefined)?.['type'] === 'reasoning') items.pop();
}

/** The call of an item: the one with its id, or the next one, if a duplicate id was replaced. */
function takeCall(left: AnsweredCall[], item: WireObject): AnsweredCall | undefined {
  const id = callIdOf(item);
  const place = left.findIndex(({ ownId }) => ownId === id);
  return left.splice(Math.max(place, 0), 1)[0];
}

/** The id by which a tool result references its call. */
export function callIdOf({ call_id: callId, id }: WireObject): string {
  return textOf(callId) || textOf(id);
}

/** Kinds of calls that are not functions, whose output the application would have to send. */
const OTHER_CALLS: ReadonlySet<unknown> = new Set([
  'apply_patch_call',
  'computer_call',
  'custom_tool_call',
  'local_shell_call',
  'mcp_approval_request',
  'shell_call',
]);

/** Whether an item is a call of another kind than a function, whose output the model waits for. */
export function isWaiting({ type }: WireObject): boolean {
  return OTHER_CALLS.has(type);
}

/** A server that stores nothing rejects reasoning referenced only by id. */
function isWhole({ type, encrypted_content: encrypted, content }: WireObject): boolean {
  return type !== 'reasoning' || Boolean(encrypted) || listOf(content).length > 0;
}

/** Whether a {@link Message} cannot express it. */
function isOpaque({ type, phase }: WireObject): boolean {
  return type === 'message' ? Boolean(phase) : type !== 'function_call';
}

/** Ids of function call items; they may be left out. */
const CALL_ITEM_ID = /^fc/;

/**
 * An item of an answer as the Responses API accepts it: unchanged if it has the form of its kind. A message in another
 * form goes back as its text; every other item in another form is left out, because one such item makes the whole
 * request invalid. Unknown kinds go back unchanged.
 */
function validItem(item: WireObject): WireObject | undefined {
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

/** States of an answer that is not finished, or never will be. */
const UNFINISHED = new Set<unknown>(['queued', 'in_progress', 'cancelled']);

/** The content of a message item. */
interface SaidItem {
  readonly text: string;
  readonly isRefusal: boolean;
}

/** Why there is no answer, if so; some servers return an error with a success status. */
export function failureOf(response: WireObject, provider: string): Error | undefined {
  const { error, status } = response;
  const failure = error ? errorInBody(provider, response) : undefined;
  if (failure !== undefined) return failure;
  if (status === 'failed')
    return new LlmServerError(`${provider} failed, and does not say why: call again later.`);
  if (!UNFINISHED.has(status)) return undefined;
  return new LlmResponseError(
    `${provider} sent an answer whose status is "${String(status)}": answers are waited for here, so leave out "background" from providerOptions.`,
  );
}

/** The text or refusal of an item; nothing for items of other kinds. */
export function saidIn({ type, content }: WireObject): SaidItem {
  if (type !== 'message') return { text: '', isRefusal: false };
  if (typeof content === 'string') return { text: content, isRefusal: false };
  const parts = listOf(content).map((part) => (isObject(part) ? part : { text: part }));
  return {
    text: parts.map(({ refusal, text }) => textOf(refusal) || textOf(text)).join(''),
    isRefusal: parts.some(({ type: kind, refusal }) => kind === 'refusal' && textOf(refusal)),
  };
}

/** The reasoning of an item: its summary, or the full text if a server shows it. */
export function thoughtIn({ type, summary, content }: WireObject): string {
  if (type !== 'reasoning') return '';
  const parts = [...listOf(summary), ...listOf(content)];
  return parts.map((part) => textOf(objectOf(part)['text'])).join('');
}

/** Whether the server stores the answer, so that its items can be referenced by id. */
export function storesAnswer({ store }: WireObject): boolean {
  return store === true;
}

/** Why a response ended; it reports a reason only if it is incomplete. */
export function finishReasonOf(response: WireObject, hasToolCalls: boolean): FinishReason {
  const { status, incomplete_details: incomplete } = response;
  if (status !== 'incomplete' && !incomplete) return toFinishReason('stop', hasToolCalls);
  return toFinishReason(objectOf(incomplete)['reason'], hasToolCalls);
}
