import {
  answeredBy,
  type Said,
  type WireError,
  type WireFormat,
  type WireUsage,
} from './wire-format.js';

const MODEL = 'claude-haiku-4-5';
const ID = 'msg_1';
const DEFAULT_USAGE: WireUsage = { input: 10, output: 5 };

export const frame = (event: { type: string }): string =>
  `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

const FINISH = {
  stop: 'end_turn',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  'content-filter': 'refusal',
};

export function messagesUsage({ input, cacheRead = 0, cacheWrite = 0, output }: WireUsage): object {
  return {
    input_tokens: input - cacheRead - cacheWrite,
    cache_read_input_tokens: cacheRead,
    cache_creation_input_tokens: cacheWrite,
    output_tokens: output,
  };
}

function message(rest: object): Record<string, unknown> {
  return {
    id: ID,
    type: 'message',
    role: 'assistant',
    model: MODEL,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    ...rest,
  };
}

function finishOf({ finish, toolCalls }: Said): string {
  return FINISH[finish ?? (toolCalls?.length ? 'tool-calls' : 'stop')];
}

function start(usage: WireUsage | null): string {
  return frame({
    type: 'message_start',
    message: message(usage ? { usage: messagesUsage({ ...usage, output: 1 }) } : {}),
  } as { type: string });
}

/** The frames of one content block. */
export function block(index: number, open: object, ...deltas: readonly object[]): string[] {
  return [
    { type: 'content_block_start', index, content_block: open },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ].map(frame);
}

function streamOf(said: Said): string[] {
  const { text = '', toolCalls = [], usage = DEFAULT_USAGE } = said;
  const blocks = [
    ...(text === '' ? [] : [block(0, { type: 'text', text: '' }, { type: 'text_delta', text })]),
    ...toolCalls.map(({ id, name, argsText }, i) =>
      block(
        i + (text === '' ? 0 : 1),
        { type: 'tool_use', id, name, input: {} },
        { type: 'input_json_delta', partial_json: argsText },
      ),
    ),
  ];
  const delta = { stop_reason: finishOf(said), stop_sequence: null };
  return [
    start(usage),
    ...blocks.flat(),
    frame({
      type: 'message_delta',
      delta,
      ...(usage && { usage: { output_tokens: usage.output } }),
    } as {
      type: string;
    }),
  ];
}

/** Anthropic's messages. */
export const anthropic: WireFormat = {
  name: 'anthropic',
  provider: 'anthropic',
  model: MODEL,
  rates: { input: 1, output: 5 },
  requestIdHeader: 'request-id',
  opening:
    start({ input: 1_000, output: 1 }) +
    frame({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } } as {
      type: string;
    }),
  malformed: 'event: content_block_delta\ndata: {"type": oops\n\n',
  client: (origin) => ({
    provider: 'anthropic',
    model: MODEL,
    apiKey: 'test',
    baseURL: origin,
    maxRetries: 0,
  }),
  answer(said) {
    const { text, model = MODEL, toolCalls = [], usage = DEFAULT_USAGE } = said;
    return message({
      model,
      content: [
        ...(text === undefined ? [] : [{ type: 'text', text }]),
        ...toolCalls.map(({ id, name, argsText }) => ({
          type: 'tool_use',
          id,
          name,
          input: JSON.parse(argsText) as unknown,
        })),
      ],
      stop_reason: finishOf(said),
      ...(usage && { usage: messagesUsage(usage) }),
    });
  },
  stream: (said) =>
    [...streamOf(said), frame({ type: 'message_stop' })].map((sent) =>
      answeredBy(sent, MODEL, said),
    ),
  streamWithoutEnd: streamOf,
  text: (piece) =>
    frame({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text: piece },
    } as { type: string }),
  error: ({ type, message: said = 'It went wrong.' }: WireError) => ({
    type: 'error',
    error: { type, message: said },
  }),
  streamError: (error) => frame(anthropic.error(error) as { type: string }),
};
