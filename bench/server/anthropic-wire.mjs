// What Anthropic's messages look like on the wire, fields that nobody reads included.
import { pieces } from './text.mjs';

const HEAD = {
  model: 'claude-haiku-4-5-20251001',
  id: 'msg_01XFDUDYJgAACzvnptvVbench',
  type: 'message',
  role: 'assistant',
};

/** The events of a streamed answer: `count` pieces of text and what stands around them. */
export function anthropicEvents(count) {
  const message = { ...HEAD, content: [], stop_reason: null, stop_sequence: null, usage: usage(1) };
  return [
    event('message_start', { message }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    event('ping', {}),
    ...pieces(count).map((text) =>
      event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }),
    ),
    event('content_block_stop', { index: 0 }),
    event('message_delta', {
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: usage(count),
    }),
    event('message_stop', {}),
  ];
}

/** The same answer in one piece. */
export function anthropicAnswer(count) {
  const content = [{ type: 'text', text: pieces(count).join('') }];
  const ending = { stop_reason: 'end_turn', stop_sequence: null };
  return JSON.stringify({ ...HEAD, content, ...ending, usage: usage(count) });
}

function event(type, fields) {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}

function usage(outputTokens) {
  return {
    input_tokens: 12,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    output_tokens: outputTokens,
    service_tier: 'standard',
  };
}
