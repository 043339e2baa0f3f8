import type { Message, ToolCall } from '../../../types/message.js';
import type { AnsweredCall } from '../shared/history.js';
import { isObject, listOf, objectOf, textOf, type WireObject } from '../shared/wire-values.js';
import { validItem } from './valid-items.js';

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
