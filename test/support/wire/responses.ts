import { openai } from './openai.js';
import { answeredBy, type Said, type WireFormat, type WireUsage } from './wire-format.js';

const { model: MODEL } = openai;
const ID = 'resp_1';
const MESSAGE_ID = 'msg_1';
const DEFAULT_USAGE: WireUsage = { input: 10, output: 5 };
const LOOKUP = { id: 'call_0', name: 'lookup', argsText: '{}' };

/** An event of the Responses API. */
export interface ResponseEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}
type Item = Record<string, unknown> & { type: string };

export const responseFrame = (event: ResponseEvent): string =>
  `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

export function responsesUsage({ input, cacheRead = 0, output }: WireUsage): object {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cacheRead },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + output,
  };
}

/** A response object, as most start and end events contain it. */
export function responseOf(rest: object = {}): Record<string, unknown> {
  return {
    id: ID,
    object: 'response',
    created_at: 1,
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    model: MODEL,
    output: [],
    store: false,
    usage: null,
    ...rest,
  };
}

const textPart = (text: string) => ({ type: 'output_text', text, annotations: [] });

/** The item of a text. */
export function messageItem(text: string, rest: object = {}): Item {
  const content = [textPart(text)];
  return {
    id: MESSAGE_ID,
    type: 'message',
    status: 'completed',
    role: 'assistant',
    content,
    ...rest,
  };
}

/** The item of a tool call. */
export function callItem({ id, name, argsText }: typeof LOOKUP, number = 0): Item {
  return {
    id: `fc_${number}`,
    type: 'function_call',
    status: 'completed',
    call_id: id,
    name,
    arguments: argsText,
  };
}

export const OPENING: readonly ResponseEvent[] = [
  { type: 'response.created', response: responseOf() },
  { type: 'response.in_progress', response: responseOf() },
];

const MESSAGE_OPENING: readonly ResponseEvent[] = [
  {
    type: 'response.output_item.added',
    output_index: 0,
    item: messageItem('', { status: 'in_progress', content: [] }),
  },
  {
    type: 'response.content_part.added',
    item_id: MESSAGE_ID,
    output_index: 0,
    content_index: 0,
    part: textPart(''),
  },
];

const textDelta = (delta: string): ResponseEvent => ({
  type: 'response.output_text.delta',
  item_id: MESSAGE_ID,
  output_index: 0,
  content_index: 0,
  delta,
});

function messageEvents(text: string): ResponseEvent[] {
  const place = { item_id: MESSAGE_ID, output_index: 0, content_index: 0 };
  return [
    ...MESSAGE_OPENING,
    textDelta(text),
    { type: 'response.output_text.done', ...place, text },
    { type: 'response.content_part.done', ...place, part: textPart(text) },
    { type: 'response.output_item.done', output_index: 0, item: messageItem(text) },
  ];
}

/** The events of a tool call that is sent in the given pieces. */
export function callEvents(item: Item, output_index: number, pieces: readonly string[]) {
  const place = { item_id: item['id'], output_index };
  const opened = { ...item, status: 'in_progress', arguments: '' };
  return [
    { type: 'response.output_item.added', output_index, item: opened },
    ...pieces.map((delta) => ({
      type: 'response.function_call_arguments.delta',
      ...place,
      delta,
    })),
    { type: 'response.function_call_arguments.done', ...place, arguments: item['arguments'] },
    { type: 'response.output_item.done', output_index, item },
  ] satisfies ResponseEvent[];
}

const INCOMPLETE: Partial<Record<NonNullable<Said['finish']>, string>> = {
  length: 'max_output_tokens',
  'content-filter': 'content_filter',
};

/** The tool calls of the answer; this API has no other sign of a tool call. */
function callsOf({ toolCalls = [], finish }: Said): readonly (typeof LOOKUP)[] {
  return finish === 'tool-calls' && toolCalls.length === 0 ? [LOOKUP] : toolCalls;
}

/** The whole response. */
function whole(said: Said): Record<string, unknown> {
  const { text, model = MODEL, finish = 'stop', usage = DEFAULT_USAGE } = said;
  const reason = INCOMPLETE[finish];
  return responseOf({
    model,
    status: reason ? 'incomplete' : 'completed',
    incomplete_details: reason ? { reason } : null,
    output: [...(text === undefined ? [] : [messageItem(text)]), ...callsOf(said).map(callItem)],
    usage: usage && responsesUsage(usage),
  });
}

function body(said: Said): ResponseEvent[] {
  const first = said.text ? 1 : 0;
  return [
    ...OPENING,
    ...(said.text ? messageEvents(said.text) : []),
    ...callsOf(said).flatMap((call, i) =>
      callEvents(callItem(call, i), first + i, [call.argsText]),
    ),
  ];
}

function toFrames(events: readonly ResponseEvent[]): string[] {
  return events.map((event, number) => responseFrame({ ...event, sequence_number: number }));
}

/** OpenAI's Responses. */
export const responses: WireFormat = {
  ...openai,
  name: 'responses',
  opening: [...OPENING, ...MESSAGE_OPENING].map(responseFrame).join(''),
  malformed: 'event: response.output_text.delta\ndata: {"type": oops\n\n',
  client: (origin) => ({ ...openai.client(origin), api: 'responses' }),
  answer: whole,
  stream(said) {
    const response = whole(said);
    const end = { type: `response.${String(response['status'])}`, response };
    return toFrames([...body(said), end]).map((sent) => answeredBy(sent, MODEL, said));
  },
  streamWithoutEnd: (said) => toFrames(body(said)),
  text: (piece) => responseFrame(textDelta(piece)),
  streamError: ({ type, code = type, message = 'It went wrong.' }) =>
    responseFrame({ type: 'error', code, message, param: null }),
};
