// What Anthropic's messages look like on the wire, fields that nobody reads included.
import { REPORT_TOOL, argumentPieces, pieces } from './text.mjs';

const HEAD = {
  model: 'claude-haiku-4-5-20251001',
  id: 'msg_01XFDUDYJgAACzvnptvVbench',
  type: 'message',
  role: 'assistant',
};

/** The events of a streamed answer: `count` pieces of text and what stands around them. */
export function anthropicEvents(count) {
  const deltas = pieces(count).map((text) => ({ type: 'text_delta', text }));
  return eventsWith({ type: 'text', text: '' }, deltas, 'end_turn', count);
}

/** The events of a streamed tool call, whose arguments come in `count` pieces. */
export function anthropicToolEvents(count) {
  const block = { type: 'tool_use', id: 'toolu_bench', name: REPORT_TOOL, input: {} };
  const deltas = ['', ...argumentPieces(count)].map((piece) => ({
    type: 'input_json_delta',
    partial_json: piece,
  }));
  return eventsWith(block, deltas, 'tool_use', count);
}

/** The answer in one piece. */
export function anthropicAnswer(count) {
  const content = [{ type: 'text', text: pieces(count).join('') }];
  const ending = { stop_reason: 'end_turn', stop_sequence: null };
  return JSON.stringify({ ...HEAD, content, ...ending, usage: usage(count) });
}

function eventsWith(block, deltas, stopReason, outputTokens) {
  const message = { ...HEAD, content: [], stop_reason: null, stop_sequence: null, usage: usage(1) };
  return [
    event('message_start', { message }),
    event('content_block_start', { index: 0, content_block: block }),
    event('ping', {}),
    ...deltas.map((delta) => event('content_block_delta', { index: 0, delta })),
    event('content_block_stop', { index: 0 }),
    event('message_delta', {
      delta: { stop_reason: stopReason, stop_sequence: null },
      usage: usage(outputTokens),
    }),
    event('message_stop', {}),
  ];
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
