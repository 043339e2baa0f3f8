import { isToolName } from '../../../types/tool-name.js';
import { isObject, isWritable, textOf, type WireObject } from '../shared/wire-values.js';

/** Ids of calls, including calls of the provider's own tools. */
export const ANTHROPIC_ID = /^[a-zA-Z0-9_-]{1,64}$/;

/** What a block of a known kind must hold to be accepted; a signature without text, for instance, is rejected. */
const IS_WHOLE: Readonly<Record<string, (block: WireObject) => boolean>> = {
  text: ({ text }) => textOf(text).trim() !== '',
  // Compatible servers sign nothing, but still require their thinking blocks back.
  thinking: ({ thinking, signature }) =>
    typeof thinking === 'string' &&
    (signature === undefined ? thinking !== '' : textOf(signature) !== ''),
  redacted_thinking: ({ data }) => textOf(data) !== '',
  compaction: ({ content }) => textOf(content) !== '',
  server_tool_use: ({ id, name, input }) =>
    ANTHROPIC_ID.test(textOf(id)) && isToolName(name) && isObject(input),
  mcp_tool_use: ({ id, name, input }) =>
    textOf(id) !== '' && textOf(name) !== '' && isObject(input),
};
const SERVER_CALLS: ReadonlySet<unknown> = new Set(['server_tool_use', 'mcp_tool_use']);

/** The name of a kind. Unknown kinds match too, and go back unchanged. */
const KIND = /^[a-z][a-z0-9_]*$/;

/**
 * Filters the blocks of a turn, one after the other, for those that Anthropic accepts. Blocks in another form are left
 * out, because one such block makes the whole request invalid. A result is kept or dropped with its call.
 *
 * @param ids the ids that other calls of the turn have
 */
export function blockFilter(ids: Iterable<string>): (block: WireObject) => boolean {
  const taken = new Set<unknown>(ids);
  const refused = new Set<unknown>();
  return (block) => {
    const { type, id, tool_use_id: callId } = block;
    const isValid = isWhole(block) && !refused.has(callId);
    if (!SERVER_CALLS.has(type)) return isValid;
    if (taken.has(id)) return false;
    (isValid ? taken : refused).add(id);
    return isValid;
  };
}

function isWhole(block: WireObject): boolean {
  const { type, tool_use_id: callId } = block;
  if (typeof type !== 'string' || !KIND.test(type) || !isWritable(block)) return false;
  if (type.endsWith('_tool_result')) return textOf(callId) !== '';
  return Object.hasOwn(IS_WHOLE, type) ? IS_WHOLE[type]!(block) : true;
}
