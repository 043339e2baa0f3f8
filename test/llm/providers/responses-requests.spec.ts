import { describe, expect, it } from '@jest/globals';
import type { LlmCallOptions, Message } from 'nestjs-llm-callbacks';
import { HELLO, says, useBench } from '../../support/wire/index.js';
import { responses } from '../../support/wire/responses.js';

const PIXEL = 'iVBORw0KGgo=';
const DATA_URL = `data:image/png;base64,${PIXEL}`;
const BYTES = new Uint8Array(Buffer.from(PIXEL, 'base64'));
const LOOKUP = {
  name: 'lookup',
  description: 'Looks a city up.',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
};
const CALLS = [
  { id: 'call_1', name: 'lookup', args: { city: 'Köln' }, argsText: '{"city": "Köln"}' },
  { id: 'call_2', name: 'now', args: {}, argsText: '' },
];
const NO_ARGUMENTS = { type: 'object', properties: {} };

interface Row {
  what: string;
  input?: string | Message[];
  options?: LlmCallOptions;
  body: object;
}

const image = (what: string, part: object, url: string, more: object = {}): Row => ({
  what,
  input: [{ role: 'user', content: [part as never] }],
  body: {
    input: [
      {
        role: 'user',
        content: [{ type: 'input_image', image_url: url, detail: 'auto', ...more }],
      },
    ],
  },
});

const ROWS: Row[] = [
  { what: 'a prompt', body: { input: [{ role: 'user', content: 'Hi' }] } },
  {
    what: 'system texts beside and inside the conversation',
    options: { system: 'Be brief.' },
    input: [
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'Hi' },
    ],
    body: {
      instructions: 'Be brief.',
      input: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'Hi' },
      ],
    },
  },
  {
    what: 'parts, by who says them',
    input: [
      { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'Hello' }] },
    ],
    body: {
      input: [
        { role: 'user', content: [{ type: 'input_text', text: 'Hi' }] },
        { role: 'assistant', content: [{ type: 'output_text', text: 'Hello' }] },
      ],
    },
  },
  image('an image by its address', { type: 'image', url: 'https://a.b/c' }, 'https://a.b/c'),
  image('an image as bytes', { type: 'image', data: BYTES, mediaType: 'image/png' }, DATA_URL),
  image(
    "a provider's options of parts",
    { type: 'image', url: DATA_URL, providerOptions: { detail: 'low' } },
    DATA_URL,
    { detail: 'low' },
  ),
  {
    what: 'limits',
    options: { temperature: 0, maxOutputTokens: 70 },
    body: { temperature: 0, max_output_tokens: 70 },
  },
  {
    what: "a provider's options of the call, over everything else",
    options: { temperature: 0.5, providerOptions: { temperature: 0.1, store: true } },
    body: { temperature: 0.1, store: true },
  },
  {
    what: 'tools as chat completions understand them: not strict',
    options: { tools: [LOOKUP, { name: 'now' }] },
    body: {
      tools: [
        { type: 'function', ...LOOKUP, strict: false },
        { type: 'function', name: 'now', parameters: NO_ARGUMENTS, strict: false },
      ],
    },
  },
  ...(
    [
      ['auto', 'auto'],
      ['none', 'none'],
      ['required', 'required'],
      [{ name: 'lookup' }, { type: 'function', name: 'lookup' }],
    ] as const
  ).map(([toolChoice, sent]): Row => ({
    what: `the tool choice ${JSON.stringify(toolChoice)}`,
    options: { tools: [LOOKUP], toolChoice },
    body: { tools: expect.anything(), tool_choice: sent },
  })),
  {
    what: 'a conversation with tools, item by item',
    input: [
      { role: 'user', content: 'How is Köln?' },
      { role: 'assistant', content: 'Let me see.', toolCalls: CALLS },
      { role: 'tool', toolCallId: 'call_1', content: 'Sunny' },
      { role: 'tool', toolCallId: 'call_2', content: [{ type: 'text', text: 'Noon' }] },
      { role: 'assistant', content: '', toolCalls: CALLS.slice(1) },
      { role: 'tool', toolCallId: 'call_2', content: 'One' },
    ],
    body: {
      input: [
        { role: 'user', content: 'How is Köln?' },
        { role: 'assistant', content: 'Let me see.' },
        {
          type: 'function_call',
          call_id: 'call_1',
          name: 'lookup',
          arguments: '{"city": "Köln"}',
        },
        { type: 'function_call', call_id: 'call_2', name: 'now', arguments: '{}' },
        { type: 'function_call_output', call_id: 'call_1', output: 'Sunny' },
        {
          type: 'function_call_output',
          call_id: 'call_2',
          output: [{ type: 'input_text', text: 'Noon' }],
        },
        { type: 'function_call', call_id: 'call_2', name: 'now', arguments: '{}' },
        { type: 'function_call_output', call_id: 'call_2', output: 'One' },
      ],
    },
  },
];

describe("The request to OpenAI's Responses API", () => {
  const bench = useBench(responses);

  it.each(ROWS)('has $what', async ({ input = 'Hi', options, body }) => {
    bench.server.answers(says(responses, 'generate', HELLO));
    await bench.llm.generate(input, options);
    const exchange = bench.server.exchanges[0]!;
    expect(exchange.path).toBe('/v1/responses');
    expect(exchange.body).toEqual({
      model: responses.model,
      input: [{ role: 'user', content: 'Hi' }],
      store: false,
      ...body,
    });
  });
});
