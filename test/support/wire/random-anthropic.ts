import type { RandomLines } from './random-lines.js';
import type { Random } from './random.js';

interface Event {
  type: string;
  [field: string]: unknown;
}

const STOP_REASONS = [
  'end_turn',
  'max_tokens',
  'stop_sequence',
  'tool_use',
  'refusal',
  'pause_turn',
  'model_context_window_exceeded',
  'a_new_reason',
];

/** The frames of a random stream of a message. */
export function randomMessageStream(random: Random, lines: RandomLines): string[] {
  const events: Event[] = [start(random)];
  for (const event of randomBlocks(random)) {
    if (random.chance(0.1)) events.push({ type: 'ping' });
    events.push(event);
  }
  const usage = {
    output_tokens: random.int(1, 2_000),
    ...(random.chance(0.3) && inputCounts(random)),
    ...(random.chance(0.1) && { cache_read_input_tokens: null }),
  };
  const end = (stop_reason: string | null): Event => ({
    type: 'message_delta',
    delta: { stop_reason, stop_sequence: null },
    usage,
  });
  if (random.chance(0.1)) events.push(end(null));
  events.push(end(random.pick(STOP_REASONS)), { type: 'message_stop' });
  return events.map((event) => lines.json(event, event.type));
}

/** Blocks of any kind, one after the other; or several tool calls interleaved. */
function randomBlocks(random: Random): Event[] {
  if (random.chance(0.8)) {
    return random
      .times(0, 5, (index) => {
        const make = random.pick([text, thinking, redacted, tool, serverTool]);
        return written(index, make(random, index));
      })
      .flat();
  }
  const calls = random.times(2, 3, (index) => written(index, tool(random, index)));
  return [
    ...calls.map(([first]) => first!),
    ...random.interleave(calls.map(([, ...rest]) => rest)),
  ];
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

function written(index: number, [content_block, deltas]: Block): Event[] {
  return [
    { type: 'content_block_start', index, content_block },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
}

type Block = [content: object, deltas: object[]];

/** The content of a block's first event: empty, except on some compatible servers. */
function opening(random: Random, pieces: string[]): string {
  return random.chance(0.1) ? (pieces.shift() ?? '') : '';
}

function text(random: Random): Block {
  const pieces = random.pieces(random.text());
  return [
    { type: 'text', text: opening(random, pieces) },
    pieces.map((piece) => ({ type: 'text_delta', text: piece })),
  ];
}

function thinking(random: Random): Block {
  const pieces = random.pieces(random.text());
  return [
    { type: 'thinking', thinking: opening(random, pieces), signature: '' },
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
  const call = { type: 'tool_use', id: `toolu_${index}`, name: random.pick(['lookup', 'refund']) };
  const json = random.json();
  // Some compatible servers do not stream arguments in pieces.
  if (random.chance(0.1)) return [{ ...call, input: JSON.parse(json) as object }, []];
  const pieces = random.chance(0.1) ? ['', json] : random.pieces(json);
  return [
    { ...call, input: {} },
    pieces.map((piece) => ({ type: 'input_json_delta', partial_json: piece })),
  ];
}

function serverTool(random: Random, index: number): Block {
  const [content, deltas] = tool(random, index);
  return [
    { ...content, type: 'server_tool_use', id: `srvtoolu_${index}`, name: 'web_search' },
    deltas,
  ];
}
