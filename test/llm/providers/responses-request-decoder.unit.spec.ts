import { describe, expect, it } from '@jest/globals';
import type { LlmRequest, Message } from 'nestjs-llm-callbacks';
import { decodeResponsesRequest } from '../../../src/llm/providers/openai/responses-request-decoder.js';
import type { WireObject } from '../../../src/llm/providers/shared/wire-values.js';

const PNG = 'data:image/png;base64,iVBORw0KGgo=';
const PNG_BYTES = new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]);
const SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};

function decode(body: WireObject): LlmRequest {
  return decodeResponsesRequest({ model: 'gpt-5', input: 'Hi', ...body });
}

function messagesOf(input: unknown): Message[] {
  return decodeResponsesRequest({ model: 'gpt-5', input }).messages;
}

/** The request that a body is besides its model and its one message. */
function besides(body: WireObject): Partial<LlmRequest> {
  const { model, messages, ...others } = decode(body);
  expect({ model, messages }).toEqual({
    model: 'gpt-5',
    messages: [{ role: 'user', content: 'Hi' }],
  });
  return others;
}

const call = (id: string, args = '{"city":"Rome"}') => ({
  type: 'function_call',
  id: `fc_${id}`,
  call_id: id,
  name: 'weather',
  arguments: args,
  status: 'completed',
});
const toolCall = (id: string) => ({
  id,
  name: 'weather',
  args: { city: 'Rome' },
  argsText: '{"city":"Rome"}',
});
const output = (id: string, value: unknown = 'sunny') => ({
  type: 'function_call_output',
  call_id: id,
  output: value,
});
const reasoning = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'x' };

describe('The messages of a body for the Responses API', () => {
  it.each<[string, unknown, Message[]]>([
    ['a text', 'Hi', [{ role: 'user', content: 'Hi' }]],
    ['no items', [], []],
    [
      'messages of each role',
      [
        { role: 'developer', content: 'Be short.' },
        { role: 'system', content: 'Be polite.' },
        { type: 'message', role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Hello.', phase: 'final_answer' },
      ],
      [
        { role: 'system', content: 'Be short.' },
        { role: 'system', content: 'Be polite.' },
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Hello.' },
      ],
    ],
    [
      'parts of text and images',
      [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'What is this?' },
            { type: 'input_image', image_url: 'https://pictures.test/a.png', detail: 'high' },
            { type: 'input_image', image_url: PNG, detail: 'auto' },
          ],
        },
      ],
      [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            {
              type: 'image',
              url: 'https://pictures.test/a.png',
              providerOptions: { detail: 'high' },
            },
            { type: 'image', data: PNG_BYTES, mediaType: 'image/png' },
          ],
        },
      ],
    ],
    [
      'data URLs that are not base64, or have no media type, as they are',
      [
        {
          role: 'user',
          content: ['data:image/svg+xml,<svg/>', 'data:;base64,AA==', 'data:', ''].map(
            (image_url) => ({ type: 'input_image', image_url }),
          ),
        },
      ],
      [
        {
          role: 'user',
          content: ['data:image/svg+xml,<svg/>', 'data:;base64,AA==', 'data:', ''].map((url) => ({
            type: 'image',
            url,
          })),
        },
      ],
    ],
    [
      'a data URL with a parameter',
      [
        {
          role: 'user',
          content: [{ type: 'input_image', image_url: 'data:image/a;q=1;base64,AQI=' }],
        },
      ],
      [
        {
          role: 'user',
          content: [{ type: 'image', data: new Uint8Array([1, 2]), mediaType: 'image/a' }],
        },
      ],
    ],
    [
      'the output of an answer, sent back as it came: texts, a refusal',
      [
        {
          type: 'message',
          id: 'msg_1',
          status: 'completed',
          role: 'assistant',
          content: [
            { type: 'output_text', text: 'It is so.', annotations: [], logprobs: [] },
            { type: 'refusal', refusal: 'No.' },
          ],
        },
      ],
      [
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'It is so.' },
            { type: 'text', text: 'No.' },
          ],
        },
      ],
    ],
    [
      'parts of other types, which are left out',
      [
        {
          role: 'user',
          content: [
            { type: 'input_file', file_id: 'file-1' },
            { type: 'input_audio', input_audio: { data: '', format: 'mp3' } },
            { type: 'input_image', file_id: 'file-2', detail: 'auto' },
          ],
        },
      ],
      [{ role: 'user', content: [] }],
    ],
  ])('are read from %s', (_, input, messages) => {
    expect(messagesOf(input)).toStrictEqual(messages);
  });

  it('keep images as plain bytes of their own memory', () => {
    const [message] = messagesOf([
      { role: 'user', content: [{ type: 'input_image', image_url: PNG }] },
    ]);
    const [part] = message!.content as { data: Uint8Array }[];
    expect(Object.getPrototypeOf(part!.data)).toBe(Uint8Array.prototype);
    expect(part!.data.buffer.byteLength).toBe(PNG_BYTES.length);
  });
});

describe('The tool calls of a body for the Responses API', () => {
  it('belong to the message of the assistant before them, with reasoning in between or not', () => {
    const input = [
      { role: 'user', content: 'Hi' },
      reasoning,
      { role: 'assistant', content: 'I look.' },
      call('a'),
      reasoning,
      call('b'),
      output('a'),
      output('b', [{ type: 'input_text', text: 'rainy' }]),
    ];
    expect(messagesOf(input)).toStrictEqual([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'I look.', toolCalls: [toolCall('a'), toolCall('b')] },
      { role: 'tool', toolCallId: 'a', content: 'sunny' },
      { role: 'tool', toolCallId: 'b', content: [{ type: 'text', text: 'rainy' }] },
    ]);
  });

  it('are a message of their own after anything else', () => {
    const input = [call('a'), output('a'), call('b'), output('b')];
    expect(messagesOf(input)).toStrictEqual([
      { role: 'assistant', content: '', toolCalls: [toolCall('a')] },
      { role: 'tool', toolCallId: 'a', content: 'sunny' },
      { role: 'assistant', content: '', toolCalls: [toolCall('b')] },
      { role: 'tool', toolCallId: 'b', content: 'sunny' },
    ]);
  });

  it('say why their arguments cannot be parsed', () => {
    const [message] = messagesOf([call('a', '{"city":')]);
    expect(message!.toolCalls).toEqual([
      expect.objectContaining({
        args: undefined,
        argsText: '{"city":',
        argsError: expect.any(String),
      }),
    ]);
  });

  it('keep arguments that are not a text', () => {
    const [message] = messagesOf([{ ...call('a'), arguments: { city: 'Rome' } }]);
    expect(message!.toolCalls).toEqual([toolCall('a')]);
  });

  it('are the calls of functions only', () => {
    const others = [
      { type: 'item_reference', id: 'msg_1' },
      { type: 'web_search_call', id: 'ws_1', status: 'completed' },
      { type: 'custom_tool_call', call_id: 'c', name: 'shell', input: 'ls' },
      { type: 'custom_tool_call_output', call_id: 'c', output: 'a.txt' },
    ];
    expect(messagesOf(others)).toEqual([]);
  });
});

describe('The fields of a body for the Responses API', () => {
  const format = { type: 'json_schema', name: 'city', schema: SCHEMA, strict: true };
  const tool = { type: 'function', name: 'weather', parameters: SCHEMA, strict: true };
  const search = { type: 'web_search' };

  it.each<[string, WireObject, Partial<LlmRequest>]>([
    ['instructions', { instructions: 'Be short.' }, { system: 'Be short.' }],
    ['numbers', { temperature: 0, max_output_tokens: 9 }, { temperature: 0, maxOutputTokens: 9 }],
    [
      'tools',
      {
        tools: [
          tool,
          { type: 'function', name: 'time', description: 'The time.', parameters: null },
        ],
      },
      {
        tools: [
          { name: 'weather', parameters: SCHEMA },
          { name: 'time', description: 'The time.' },
        ],
      },
    ],
    [
      'tools of another kind, with the functions beside them',
      { tools: [search, tool] },
      {
        tools: [{ name: 'weather', parameters: SCHEMA }],
        providerOptions: { tools: [search, tool] },
      },
    ],
    ['only tools of another kind', { tools: [search] }, { providerOptions: { tools: [search] } }],
    ['no tools', { tools: [] }, {}],
    ['a choice by word', { tool_choice: 'required' }, { toolChoice: 'required' }],
    [
      'a choice by name',
      { tool_choice: { type: 'function', name: 'weather' } },
      { toolChoice: { name: 'weather' } },
    ],
    [
      'another choice',
      { tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [] } },
      { providerOptions: { tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [] } } },
    ],
    ['a schema', { text: { format } }, { schema: SCHEMA }],
    [
      'a schema and a verbosity',
      { text: { format, verbosity: 'low' } },
      { schema: SCHEMA, providerOptions: { text: { verbosity: 'low' } } },
    ],
    [
      'a format that is no schema',
      { text: { format: { type: 'json_object' } } },
      { providerOptions: { text: { format: { type: 'json_object' } } } },
    ],
    [
      'other fields',
      { store: true, previous_response_id: 'resp_1', reasoning: { effort: 'low' }, stop: ['x'] },
      {
        providerOptions: {
          store: true,
          previous_response_id: 'resp_1',
          reasoning: { effort: 'low' },
          stop: ['x'],
        },
      },
    ],
    ['how the answer is sent', { stream: true, stream_options: {} }, {}],
    ['fields that are not set', { temperature: undefined, store: undefined }, {}],
    [
      'values that have no meaning',
      { instructions: null, temperature: '1', max_output_tokens: null, tools: 'x', text: 7 },
      {
        providerOptions: {
          instructions: null,
          temperature: '1',
          max_output_tokens: null,
          tools: 'x',
          text: 7,
        },
      },
    ],
  ])('have their places: %s', (_, body, others) => {
    expect(besides(body)).toStrictEqual(others);
  });

  it('may all be missing', () => {
    expect(decodeResponsesRequest({})).toStrictEqual({ model: '', messages: [] });
  });

  it('stay as they are if they are neither a model nor an input', () => {
    const body = { model: 7, input: { role: 'user' } };
    expect(decodeResponsesRequest(body)).toStrictEqual({
      model: '',
      messages: [],
      providerOptions: body,
    });
  });

  it('cannot replace a prototype', () => {
    const body = JSON.parse('{"__proto__": {"system": "x"}}') as WireObject;
    const { providerOptions } = decodeResponsesRequest(body);
    expect(Object.getPrototypeOf(providerOptions)).toBe(Object.prototype);
    expect(Object.keys(providerOptions!)).toEqual(['__proto__']);
  });
});
