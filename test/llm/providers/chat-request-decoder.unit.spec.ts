import { describe, expect, it } from '@jest/globals';
import type { LlmRequest, Message } from 'nestjs-llm-callbacks';
import { decodeChatRequest } from '../../../src/llm/providers/openai/chat-request-decoder.js';
import type { WireObject } from '../../../src/llm/providers/shared/wire-values.js';
import { nested } from '../../support/deep.js';

const WEATHER = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const HI: Message = { role: 'user', content: 'Hi' };

/** The request of a body with a model and one message, without these two. */
function fieldsOf(body: WireObject): object {
  const decoded = decodeChatRequest({
    model: 'm',
    messages: [{ role: 'user', content: 'Hi' }],
    ...body,
  });
  const { model, messages, ...fields } = decoded;
  expect({ model, messages }).toEqual({ model: 'm', messages: [HI] });
  return fields;
}

function messagesOf(...messages: unknown[]): Message[] {
  return decodeChatRequest({ model: 'm', messages }).messages;
}

describe('The fields of a chat completion', () => {
  const tool = { type: 'function', function: { name: 'weather', parameters: WEATHER } };
  const custom = { type: 'custom', custom: { name: 'sql' } };
  const schema = { type: 'json_schema', json_schema: { name: 'w', strict: true, schema: WEATHER } };

  it.each<[string, WireObject, Partial<LlmRequest>]>([
    ['nothing', {}, {}],
    ['the newer limit', { max_completion_tokens: 9 }, { maxOutputTokens: 9 }],
    ['the older limit', { max_tokens: 9 }, { maxOutputTokens: 9 }],
    [
      'both limits',
      { max_tokens: 8, max_completion_tokens: 9 },
      { maxOutputTokens: 9, providerOptions: { max_tokens: 8 } },
    ],
    [
      'a limit that is null beside one that is not',
      { max_completion_tokens: null, max_tokens: 8 },
      { maxOutputTokens: 8, providerOptions: { max_completion_tokens: null } },
    ],
    ['a temperature', { temperature: 0 }, { temperature: 0 }],
    [
      'a temperature that is no number',
      { temperature: '1' },
      { providerOptions: { temperature: '1' } },
    ],
    ['one stop text', { stop: '\n' }, { stop: ['\n'] }],
    ['several stop texts', { stop: ['a', 'b'] }, { stop: ['a', 'b'] }],
    ['stop texts of a wrong type', { stop: ['a', 1] }, { providerOptions: { stop: ['a', 1] } }],
    ['a schema', { response_format: schema }, { schema: WEATHER }],
    [
      'free JSON',
      { response_format: { type: 'json_object' } },
      { providerOptions: { response_format: { type: 'json_object' } } },
    ],
    ['a choice', { tool_choice: 'required' }, { toolChoice: 'required' }],
    [
      'a choice of a function',
      { tool_choice: { type: 'function', function: { name: 'weather' } } },
      { toolChoice: { name: 'weather' } },
    ],
    [
      'another choice',
      { tool_choice: { type: 'custom', custom: { name: 'sql' } } },
      { providerOptions: { tool_choice: { type: 'custom', custom: { name: 'sql' } } } },
    ],
    ['a tool', { tools: [tool] }, { tools: [{ name: 'weather', parameters: WEATHER }] }],
    [
      'a tool as zodFunction() makes it',
      {
        tools: [
          {
            type: 'function',
            function: { name: 'w', description: 'The weather.', parameters: WEATHER, strict: true },
          },
        ],
      },
      { tools: [{ name: 'w', description: 'The weather.', parameters: WEATHER }] },
    ],
    ['no tools', { tools: [] }, { tools: [] }],
    [
      'a tool that is not a function',
      { tools: [tool, custom] },
      {
        tools: [{ name: 'weather', parameters: WEATHER }],
        providerOptions: { tools: [tool, custom] },
      },
    ],
    ['tools that are no list', { tools: tool }, { providerOptions: { tools: tool } }],
    [
      'options of the provider, and how the answer is sent',
      { seed: 1, logprobs: null, user: undefined, stream: true, stream_options: {} },
      { providerOptions: { seed: 1, logprobs: null } },
    ],
  ])('decodes %s', (_what, body, expected) => {
    expect(fieldsOf(body)).toStrictEqual(expected);
  });

  it('keeps a field whose name is that of the prototype', () => {
    const body = JSON.parse('{"model":"m","messages":[],"__proto__":{"a":1}}') as WireObject;
    const { providerOptions } = decodeChatRequest(body);
    expect(Object.getPrototypeOf(providerOptions)).toBe(Object.prototype);
    expect(JSON.stringify(providerOptions)).toBe('{"__proto__":{"a":1}}');
  });

  it('decodes a body without anything', () => {
    expect(decodeChatRequest({})).toStrictEqual({ model: '', messages: [] });
    expect(decodeChatRequest({ model: 1, messages: 'Hi' })).toStrictEqual({
      model: '',
      messages: [],
      providerOptions: { model: 1, messages: 'Hi' },
    });
  });
});

describe('The instruction of a chat completion', () => {
  it.each([
    ['a system message', { role: 'system', content: 'Be brief.' }],
    ['a developer message', { role: 'developer', content: 'Be brief.' }],
    ['one part', { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] }],
  ])('is the text of %s', (_what, first) => {
    const { system, messages } = decodeChatRequest({ messages: [first, HI] });
    expect({ system, messages }).toEqual({ system: 'Be brief.', messages: [HI] });
  });

  it('is only the first message', () => {
    const messages = [HI, { role: 'developer', content: 'Be brief.' }];
    expect(decodeChatRequest({ messages })).toStrictEqual({
      model: '',
      messages: [HI, { role: 'system', content: 'Be brief.' }],
    });
  });

  it('stays a message if it has several parts', () => {
    const content = [
      { type: 'text', text: 'Be brief.' },
      { type: 'text', text: 'Be kind.' },
    ];
    const messages = [{ role: 'system', content }];
    expect(decodeChatRequest({ messages })).toStrictEqual({ model: '', messages });
  });
});

describe('The messages of a chat completion', () => {
  const call = (args: unknown) => ({
    id: 'call_1',
    type: 'function',
    function: { name: 'weather', arguments: args },
  });

  it('have parts of text and images, with the options of the parts', () => {
    const content = [
      { type: 'text', text: 'What is it?', cache_control: { type: 'ephemeral' } },
      { type: 'image_url', image_url: { url: 'https://pictures.test/a.png', detail: 'low' } },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw==' } },
      { type: 'image_url', image_url: { url: 'data:image/svg+xml,<svg/>' } },
      { type: 'image_url', image_url: 'https://pictures.test/b.png' },
      { type: 'input_audio', input_audio: { data: '', format: 'wav' } },
      { type: 'file', file: { file_id: 'f' } },
    ];
    expect(messagesOf({ role: 'user', content })).toStrictEqual([
      {
        role: 'user',
        content: [
          {
            type: 'text',
            text: 'What is it?',
            providerOptions: { cache_control: { type: 'ephemeral' } },
          },
          { type: 'image', url: 'https://pictures.test/a.png' },
          { type: 'image', data: new Uint8Array([137, 80, 78, 71]), mediaType: 'image/png' },
          { type: 'image', url: 'data:image/svg+xml,<svg/>' },
          { type: 'image', url: 'https://pictures.test/b.png' },
        ],
      },
    ]);
  });

  it('have calls and their results', () => {
    const assistant = { role: 'assistant', content: null, tool_calls: [call('{"city":"Bonn"}')] };
    const result = { role: 'tool', tool_call_id: 'call_1', content: '12 degrees' };
    const toolCall = { id: 'call_1', name: 'weather', argsText: '{"city":"Bonn"}' };
    expect(messagesOf(HI, assistant, result)).toStrictEqual([
      HI,
      {
        role: 'assistant',
        content: '',
        toolCalls: [{ ...toolCall, args: { city: 'Bonn' } }],
      },
      { role: 'tool', toolCallId: 'call_1', content: '12 degrees' },
    ]);
  });

  it('have calls in the format before parallel calls', () => {
    const called = { name: 'weather', arguments: '{}' };
    expect(
      messagesOf(
        { role: 'assistant', content: null, function_call: called },
        { role: 'function', name: 'weather', content: '12 degrees' },
      ),
    ).toStrictEqual([
      {
        role: 'assistant',
        content: '',
        toolCalls: [{ id: 'weather', name: 'weather', args: {}, argsText: '{}' }],
      },
      { role: 'tool', toolCallId: 'weather', content: '12 degrees' },
    ]);
  });

  it.each([
    ['an object', { city: 'Bonn' }, { args: { city: 'Bonn' }, argsText: '{"city":"Bonn"}' }],
    ['nothing', undefined, { args: {}, argsText: '' }],
    [
      'cut off',
      '{"city',
      { args: undefined, argsText: '{"city', argsError: 'The arguments are not valid JSON.' },
    ],
  ])('have calls whose arguments are %s', (_what, args, expected) => {
    const [message] = messagesOf({ role: 'assistant', tool_calls: [call(args)] });
    expect(message?.toolCalls).toEqual([{ id: 'call_1', name: 'weather', ...expected }]);
  });

  it('are an answer as the SDK returned it, a refusal as its text', () => {
    const answer = { role: 'assistant', content: null, refusal: 'No.', annotations: [] };
    const part = { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] };
    expect(messagesOf(answer, part)).toStrictEqual([
      { role: 'assistant', content: 'No.' },
      { role: 'assistant', content: [{ type: 'text', text: 'No.' }] },
    ]);
  });

  it('are left out if their role is unknown, as are calls of tools that are not functions', () => {
    const custom = { id: 'call_1', type: 'custom', custom: { name: 'sql', input: 'select 1' } };
    const assistant = { role: 'assistant', content: 'So be it.', tool_calls: [custom] };
    expect(messagesOf(null, 'Hi', { role: 'critic', content: 'Hm.' }, assistant)).toStrictEqual([
      { role: 'assistant', content: 'So be it.' },
    ]);
  });
});

describe('A body of a chat completion', () => {
  it.each(['model', 'messages', 'tools', 'tool_choice', 'response_format', 'stop', 'seed'])(
    'may be nested deeply in %s',
    (name) => {
      const deep = nested(100_000);
      expect(decodeChatRequest({ [name]: deep }).model).toBe('');
    },
  );

  it('may have arguments that are nested deeply', () => {
    const called = { name: 'weather', arguments: nested(100_000) };
    const [message] = messagesOf({ role: 'assistant', tool_calls: [{ function: called }] });
    expect(message?.toolCalls).toHaveLength(1);
  });
});
