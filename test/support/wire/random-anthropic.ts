import type { Random } from './random.js';

interface Event {
  type: string;
  [field: string]: unknown;
}

/** The bytes of a random stream of a message. */
export function randomMessageStream(random: Random): Buffer {
  const events: Event[] = [start(random)];
  const blocks = random.times(0, 5, (index) => block(random, index));
  for (const event of blocks.flat()) {
    if (random.chance(0.1)) events.push({ type: 'ping' });
    events.push(event);
  }
  const stop_reason = random.pick([
    'end_turn',
    'max_tokens',
    'stop_sequence',
    'tool_use',
    'refusal',
  ]);
  const usage = {
    output_tokens: random.int(1, 2_000),
    ...(random.chance(0.3) && inputCounts(random)),
  };
  events.push(
    { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage },
    { type: 'message_stop' },
  );
  const lineEnd = random.pick(['\n', '\r\n']);
  return Buffer.from(
    events.map((event) => random.event(JSON.stringify(event), event.type, lineEnd)).join(''),
  );
}

function start(random: Random): Event {
  return {
    type: 'message_start',
    message: {
      id: 'msg_7',
      type: 'message',
      role: 'assistant',
      model: 'claude-haiku-4-5-20251001',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { ...inputCounts(random), output_tokens: 1 },
    },
  };
}

function inputCounts(random: Random): object {
  return {
    input_tokens: random.int(0, 5_000),
    cache_read_input_tokens: random.int(0, 5_000),
    cache_creation_input_tokens: random.int(0, 5_000),
  };
}

function block(random: Random, index: number): Event[] {
  const [content_block, deltas] = random.pick([text, thinking, redacted, tool, serverTool])(
    random,
    index,
  );
  return [
    { type: 'content_block_start', index, content_block },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
}

type Block = [content: object, deltas: object[]];

function text(random: Random): Block {
  const pieces = random.pieces(random.text());
  return [{ type: 'text', text: '' }, pieces.map((piece) => ({ type: 'text_delta', text: piece }))];
}

function thinking(random: Random): Block {
  const pieces = random.pieces(random.text());
  return [
    { type: 'thinking', thinking: '', signature: '' },
    [
      ...pieces.map((piece) => ({ type: 'thinking_delta', thinking: piece })),
      { type: 'signature_delta', signature: `EqQB${random.int(0, 1e9)}==` },
    ],
  ];
}

function redacted(random: Random): Block {
  return [{ type: 'redacted_thinking', data: `Emw${random.int(0, 1e9)}` }, []];
}

function tool(random: Random, index: number): Block {
  return [
    { type: 'tool_use', id: `toolu_${index}`, name: random.pick(['lookup', 'refund']), input: {} },
    random
      .pieces(random.json())
      .map((piece) => ({ type: 'input_json_delta', partial_json: piece })),
  ];
}

function serverTool(random: Random, index: number): Block {
  const [content, deltas] = tool(random, index);
  return [
    { ...content, type: 'server_tool_use', id: `srvtoolu_${index}`, name: 'web_search' },
    deltas,
  ];
}
