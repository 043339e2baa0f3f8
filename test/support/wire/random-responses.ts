import type { RandomLines } from './random-lines.js';
import type { Random } from './random.js';
import { callEvents, responseOf, type ResponseEvent } from './responses.js';

type Item = Record<string, unknown> & { type: string };

/** An item of an answer, and the events that send it. */
interface Written {
  readonly item: Item;
  readonly events: readonly ResponseEvent[];
}

const ENDS = ['completed', 'completed', 'max_output_tokens', 'content_filter', 'a_new_reason'];

/** The frames of a random stream of a response. */
export function randomResponseStream(random: Random, lines: RandomLines): string[] {
  const areAtOnce = random.chance(0.2);
  const items = areAtOnce
    ? random.times(2, 3, (index) => call(random, index))
    : random.times(0, 5, (index) =>
        random.pick([message, message, reasoning, call, call, search])(random, index),
      );
  const end = random.pick(ENDS);
  const model = 'gpt-5-mini-2025-08-07';
  const started = responseOf({ id: 'resp_7', model });
  const response = responseOf({
    ...started,
    status: end === 'completed' ? end : 'incomplete',
    incomplete_details: end === 'completed' ? null : { reason: end },
    output: items.map(({ item }) => item),
    usage: random.chance(0.8) ? randomUsage(random) : null,
  });
  const events: ResponseEvent[] = [
    { type: 'response.created', response: started },
    { type: 'response.in_progress', response: started },
    ...(areAtOnce ? atOnce(random, items) : items.flatMap((one) => one.events)),
    { type: `response.${String(response['status'])}`, response },
  ];
  const isNamed = random.chance(0.9);
  const frames = events.map((event, sequence_number) =>
    lines.json({ ...event, sequence_number }, isNamed ? event.type : undefined),
  );
  if (random.chance(0.1)) frames.push(lines.text('[DONE]'));
  return frames;
}

/** Several calls that are sent interleaved. */
function atOnce(random: Random, calls: readonly Written[]): ResponseEvent[] {
  return [
    ...calls.map(({ events: [first] }) => first!),
    ...random.interleave(calls.map(({ events: [, ...rest] }) => rest)),
  ];
}

/** An item between its start and end events. */
function written(item: Item, output_index: number, empty: object, events: object[]): Written {
  return {
    item,
    events: [
      {
        type: 'response.output_item.added',
        output_index,
        item: { ...item, ...empty, status: 'in_progress' },
      },
      ...(events as ResponseEvent[]),
      { type: 'response.output_item.done', output_index, item },
    ],
  };
}

/** A part of an item, sent piece by piece. */
function part(
  random: Random,
  [kind, field]: readonly [kind: string, field: string],
  place: object,
  text: string,
): ResponseEvent[] {
  const pieces = random.pieces(text).map((delta) => ({
    type: `response.${kind}.delta`,
    ...place,
    delta,
  }));
  return [...pieces, { type: `response.${kind}.done`, ...place, [field]: text }];
}

function message(random: Random, output_index: number): Written {
  const id = `msg_${output_index}`;
  const isRefusal = random.chance(0.1);
  const text = random.text(20);
  const say = (said: string) =>
    isRefusal
      ? { type: 'refusal', refusal: said }
      : { type: 'output_text', text: said, annotations: [] };
  const place = { item_id: id, output_index, content_index: 0 };
  const phase = random.chance(0.2) && { phase: random.pick(['commentary', 'final_answer']) };
  const item = {
    id,
    type: 'message',
    status: 'completed',
    role: 'assistant',
    ...phase,
    content: [say(text)],
  };
  const kind = isRefusal ? (['refusal', 'refusal'] as const) : (['output_text', 'text'] as const);
  return written(item, output_index, { content: [] }, [
    { type: 'response.content_part.added', ...place, part: say('') },
    ...part(random, kind, place, text),
    { type: 'response.content_part.done', ...place, part: say(text) },
  ]);
}

function reasoning(random: Random, output_index: number): Written {
  const id = `rs_${output_index}`;
  const texts = random.times(0, 3, () => random.text());
  const summary = texts.map((text) => ({ type: 'summary_text', text }));
  const encrypted = random.chance(0.8) && { encrypted_content: `gAAA${random.int(0, 1e9)}==` };
  const item = { id, type: 'reasoning', summary, ...encrypted };
  const events = texts.flatMap((text, summary_index) => {
    const place = { item_id: id, output_index, summary_index };
    return [
      {
        type: 'response.reasoning_summary_part.added',
        ...place,
        part: { type: 'summary_text', text: '' },
      },
      ...part(random, ['reasoning_summary_text', 'text'], place, text),
      {
        type: 'response.reasoning_summary_part.done',
        ...place,
        part: { type: 'summary_text', text },
      },
    ];
  });
  return written(item, output_index, { summary: [] }, events);
}

function call(random: Random, output_index: number): Written {
  const json = random.json();
  const item = {
    id: `fc_${output_index}`,
    type: 'function_call',
    status: 'completed',
    call_id: `call_${output_index}`,
    name: random.pick(['lookup', 'refund', 'wetter']),
    arguments: json,
  };
  return { item, events: callEvents(item, output_index, random.pieces(json)) };
}

function search(random: Random, output_index: number): Written {
  const item = {
    id: `ws_${output_index}`,
    type: 'web_search_call',
    status: 'completed',
    action: { type: 'search', query: random.text(3) },
  };
  return written(item, output_index, {}, [
    { type: 'response.web_search_call.searching', item_id: item.id, output_index },
  ]);
}

function randomUsage(random: Random): object {
  const input = random.int(1, 5_000);
  const output = random.int(0, 2_000);
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: random.int(0, input) },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: random.int(0, output) },
    total_tokens: input + output,
  };
}
