import type { FuzzEvent } from './mutate-stream.js';
import { RICH_ANSWERS } from './rich-answers.js';

/** The stream of a message with blocks of most kinds. */
export function richMessageStream(): FuzzEvent[] {
  const [{ content, usage, stop_reason, ...message }] = RICH_ANSWERS.anthropic;
  const events: { type: string; [field: string]: unknown }[] = [
    { type: 'message_start', message: { ...message, content: [], usage } },
  ];
  content.forEach((block, index) => {
    events.push(
      { type: 'content_block_start', index, content_block: { ...block, ...emptied(block) } },
      ...deltasOf(block).map((delta) => ({ type: 'content_block_delta', index, delta })),
      { type: 'content_block_stop', index },
    );
  });
  events.push({ type: 'message_delta', delta: { stop_reason }, usage }, { type: 'message_stop' });
  return events.map((value) => ({ name: value.type, value }));
}

type Block = Readonly<Record<string, unknown>>;

function emptied({ type }: Block): object {
  if (type === 'text') return { text: '', citations: [] };
  if (type === 'thinking') return { thinking: '', signature: '' };
  if (type === 'compaction') return { content: null };
  return type === 'tool_use' || type === 'server_tool_use' ? { input: {} } : {};
}

function deltasOf({ type, text, thinking, signature, input, content, citations }: Block): object[] {
  switch (type) {
    case 'text':
      return [
        { type: 'text_delta', text },
        { type: 'citations_delta', citation: (citations as unknown[])[0] },
      ];
    case 'thinking':
      return [
        { type: 'thinking_delta', thinking },
        { type: 'signature_delta', signature },
      ];
    case 'compaction':
      return [{ type: 'compaction_delta', content }];
    case 'tool_use':
    case 'server_tool_use':
      return [{ type: 'input_json_delta', partial_json: JSON.stringify(input) }];
    default:
      return [];
  }
}
