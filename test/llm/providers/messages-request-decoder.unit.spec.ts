import { describe, expect, it } from '@jest/globals';
import type { ContentPart, LlmRequest, Message, ToolChoice } from 'nestjs-llm-callbacks';
import { encodeMessagesRequest } from '../../../src/llm/providers/anthropic/messages-request.js';
import { decodeMessagesRequest } from '../../../src/llm/providers/anthropic/messages-request-decoder.js';
import {
  listOf,
  objectOf,
  textOf,
  type WireObject,
} from '../../../src/llm/providers/shared/wire-values.js';
import { nested } from '../../support/deep.js';
import { mutateJson, writeJson } from '../../support/fuzz/mutate-json.js';
import {
  answeredMessages,
  linesOf,
  randomRequest,
} from '../../support/histories/anthropic-requests.js';
import { Random } from '../../support/wire/random.js';

const MODEL = 'claude-haiku-4-5';
const PNG = 'iVBORw0KGgo=';
const BYTES = new Uint8Array(Buffer.from(PNG, 'base64'));
const CACHED = { cache_control: { type: 'ephemeral' } };
const SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const TOOL = { name: 'look', description: 'Looks', input_schema: SCHEMA };
const SEARCH = { type: 'web_search_20250305', name: 'web_search', max_uses: 5 };

/** The request of a body with these fields, without the fields that all of these bodies have. */
function decoded(fields: WireObject): Partial<LlmRequest> {
  const { model, messages, ...rest } = decodeMessagesRequest({
    model: MODEL,
    messages: [],
    ...fields,
  });
  expect(model).toBe(MODEL);
  return messages.length > 0 ? { messages, ...rest } : rest;
}

function messagesOf(...messages: unknown[]): Message[] {
  return decodeMessagesRequest({ model: MODEL, messages }).messages;
}

/** The body that a request is sent as; JSON, as the SDK writes it. */
function encoded(request: LlmRequest): WireObject {
  const hints = { schemaForm: 'schema', provider: 'anthropic' } as const;
  return JSON.parse(JSON.stringify(encodeMessagesRequest(request, true, hints))) as WireObject;
}

/** The body without the borders between texts of the system and of the assistant, which are lost. */
function joined(body: WireObject): WireObject {
  const messages = listOf(body['messages']).map((message) => {
    const { role, content } = objectOf(message);
    return { role, content: role === 'assistant' ? joinedTexts(listOf(content), '') : content };
  });
  return { ...body, system: joinedTexts(listOf(body['system']), '\n\n'), messages };
}

function joinedTexts(blocks: readonly unknown[], by: string): unknown[] {
  const result: WireObject[] = [];
  for (const block of blocks.map(objectOf)) {
    const last = result.at(-1);
    if (isPlain(block) && isPlain(last))
      result.splice(-1, 1, {
        type: 'text',
        text: textOf(last?.['text']) + by + textOf(block['text']),
      });
    else result.push(block);
  }
  return result;
}

function isPlain(block: WireObject | undefined): boolean {
  return block?.['type'] === 'text' && Object.keys(block).length === 2;
}

describe('The fields of a messages request', () => {
  it.each<[string, WireObject, Partial<LlmRequest>]>([
    ['a limit', { max_tokens: 1024 }, { maxOutputTokens: 1024 }],
    ['a temperature', { temperature: 0 }, { temperature: 0 }],
    ['stop sequences', { stop_sequences: ['END'] }, { stop: ['END'] }],
    ['a system text', { system: 'Be short.' }, { system: 'Be short.' }],
    [
      'a system of blocks',
      {
        system: [
          { type: 'text', text: 'Be short.' },
          { type: 'text', text: 'Be kind.', ...CACHED },
        ],
      },
      { system: 'Be short.\n\nBe kind.' },
    ],
    [
      'a tool',
      { tools: [{ ...TOOL, ...CACHED, type: 'custom' }] },
      { tools: [{ name: 'look', description: 'Looks', parameters: SCHEMA }] },
    ],
    [
      'a tool of the application and one of the provider',
      { tools: [TOOL, SEARCH] },
      {
        tools: [{ name: 'look', description: 'Looks', parameters: SCHEMA }],
        providerOptions: { tools: [TOOL, SEARCH] },
      },
    ],
    ['a tool of the provider', { tools: [SEARCH] }, { providerOptions: { tools: [SEARCH] } }],
    [
      'a schema',
      { output_config: { format: { type: 'json_schema', schema: SCHEMA } } },
      { schema: SCHEMA },
    ],
    [
      'a schema and more',
      { output_config: { effort: 'low', format: { type: 'json_schema', schema: SCHEMA } } },
      {
        schema: SCHEMA,
        providerOptions: {
          output_config: { effort: 'low', format: { type: 'json_schema', schema: SCHEMA } },
        },
      },
    ],
    [
      'an output configuration without a schema',
      { output_config: { effort: 'low' } },
      { providerOptions: { output_config: { effort: 'low' } } },
    ],
    [
      'fields of the provider',
      {
        thinking: { type: 'enabled', budget_tokens: 2048 },
        metadata: { user_id: 'u1' },
        top_k: 5,
        container: 'container_1',
      },
      {
        providerOptions: {
          thinking: { type: 'enabled', budget_tokens: 2048 },
          metadata: { user_id: 'u1' },
          top_k: 5,
          container: 'container_1',
        },
      },
    ],
    ['whether to stream', { stream: true, stream_options: {} }, {}],
    ['a missing value', { temperature: undefined }, {}],
  ])('are read: %s', (_name, fields, expected) => {
    expect(decoded(fields)).toStrictEqual(expected);
  });

  it.each<[WireObject, ToolChoice]>([
    [{ type: 'auto' }, 'auto'],
    [{ type: 'any' }, 'required'],
    [{ type: 'none' }, 'none'],
    [{ type: 'tool', name: 'look' }, { name: 'look' }],
  ])('are read: the tool choice %j', (choice, toolChoice) => {
    expect(decoded({ tool_choice: choice })).toStrictEqual({ toolChoice });
    const more = { ...choice, disable_parallel_tool_use: true };
    const providerOptions = { tool_choice: more };
    expect(decoded({ tool_choice: more })).toStrictEqual({ toolChoice, providerOptions });
  });

  it.each<WireObject>([
    { tool_choice: { type: 'tool' } },
    { tool_choice: 'auto' },
    { tool_choice: { type: 'constructor' } },
    { tools: 'look' },
    { tools: [{ name: 'look' }, null] },
    { system: null },
    { system: [{ type: 'image' }] },
    { temperature: '0' },
    { max_tokens: null },
    { stop_sequences: ['END', 1] },
    { output_config: { format: { type: 'json_schema' } } },
    { output_config: { format: { type: 'grammar', schema: SCHEMA } } },
    { messages: 'Hi' },
    JSON.parse('{"__proto__": {"model": "x"}}') as WireObject,
  ])('are provider options if they have no place: %j', (fields) => {
    const { providerOptions, ...others } = decodeMessagesRequest(fields, MODEL);
    expect(others).toStrictEqual({ model: MODEL, messages: [] });
    expect(JSON.stringify(providerOptions)).toBe(JSON.stringify(fields));
  });

  it('name the model, which Bedrock and Vertex have in the URL', () => {
    const body = { anthropic_version: 'bedrock-2023-05-31', messages: [] };
    expect(decodeMessagesRequest(body, MODEL)).toStrictEqual({
      model: MODEL,
      messages: [],
      providerOptions: { anthropic_version: 'bedrock-2023-05-31' },
    });
    expect(decodeMessagesRequest({ ...body, model: 'claude' }, MODEL).model).toBe('claude');
    expect(decodeMessagesRequest({ model: 7 })).toStrictEqual({
      model: '',
      messages: [],
      providerOptions: { model: 7 },
    });
  });
});

describe('The messages of a messages request', () => {
  it('are the texts and images of users', () => {
    const messages = messagesOf(
      { role: 'user', content: 'Hi' },
      { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'See', ...CACHED },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
          { type: 'image', source: { type: 'url', url: 'https://pictures.test/a.png' }, ...CACHED },
          { type: 'image', source: { type: 'file', file_id: 'file_1' } },
          { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'x' } },
        ],
      },
    );
    expect(messages).toStrictEqual([
      { role: 'user', content: 'Hi' },
      { role: 'user', content: 'Hi' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'See', providerOptions: CACHED },
          { type: 'image', data: BYTES, mediaType: 'image/png' },
          { type: 'image', url: 'https://pictures.test/a.png', providerOptions: CACHED },
        ],
      },
    ]);
  });

  it('are calls, and their results before the rest of the turn', () => {
    const messages = messagesOf(
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'I look.' },
          { type: 'tool_use', id: 'toolu_1', name: 'look', input: { city: 'Ulm' } },
          { type: 'tool_use', id: 'toolu_2', name: 'look', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Go on.' },
          { type: 'tool_result', tool_use_id: 'toolu_1', content: 'Sunny', is_error: false },
          { type: 'tool_result', tool_use_id: 'toolu_2' },
        ],
      },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'x', content: [] }] },
    );
    expect(messages).toStrictEqual([
      {
        role: 'assistant',
        content: 'I look.',
        toolCalls: [
          { id: 'toolu_1', name: 'look', args: { city: 'Ulm' }, argsText: '{"city":"Ulm"}' },
          { id: 'toolu_2', name: 'look', args: {}, argsText: '{}' },
        ],
      },
      { role: 'tool', toolCallId: 'toolu_1', content: 'Sunny' },
      { role: 'tool', toolCallId: 'toolu_2', content: '' },
      { role: 'user', content: 'Go on.' },
      { role: 'tool', toolCallId: 'x', content: '' },
    ]);
  });

  it('keep the blocks that only the provider reads, as an answer does', () => {
    const content = [
      { type: 'thinking', thinking: 'Well', signature: 'sig' },
      { type: 'text', text: 'Yes.' },
    ];
    expect(messagesOf({ role: 'assistant', content })).toStrictEqual([
      { role: 'assistant', content: 'Yes.', providerData: { provider: 'anthropic', content } },
    ]);
    const body = { messages: [{ role: 'assistant', content }] };
    const [message] = decodeMessagesRequest(body, MODEL, 'claude').messages;
    expect(message?.providerData).toStrictEqual({ provider: 'claude', content });
  });

  it('are read whatever form they have', () => {
    expect(
      messagesOf(
        null,
        'Hi',
        {},
        { role: 'user', content: null },
        { role: 'user', content: [null, 'Hi', [], { type: 'text' }, { type: 'image' }] },
        { role: 'system', content: 'Be short.' },
        { role: 'assistant' },
        { role: 'assistant', content: 'Yes.' },
        { role: 'assistant', content: [null, { type: 'tool_use', input: '{' }] },
        { role: 'assistant', content: [{ type: 'tool_use', input: nested(50_000) }] },
      ),
    ).toMatchObject([
      { role: 'user', content: '' },
      { role: 'user', content: '' },
      { role: 'user', content: '' },
      { role: 'system', content: 'Be short.' },
      { role: 'assistant', content: '' },
      { role: 'assistant', content: 'Yes.' },
      { toolCalls: [{ id: '', name: '', args: undefined, argsText: '{' }] },
      { toolCalls: [{ id: '', name: '', args: undefined, argsText: '{' }] },
    ]);
  });
});

describe('Any request', () => {
  const PLAIN: Message[] = [{ role: 'assistant', content: 'It is so.' }];

  it('is the same after it was encoded and decoded', () => {
    for (let seed = 1; seed <= 400; seed++) {
      const request = randomRequest(new Random(seed), PLAIN);
      const body = encoded(request);
      const read = decodeMessagesRequest(body);
      const { messages, system = '', schema, tools, maxOutputTokens, ...others } = request;
      expect({ seed, ...read }).toEqual({
        seed,
        ...others,
        messages: read.messages,
        system: read.system,
        maxOutputTokens: maxOutputTokens ?? body['max_tokens'],
        schema: objectOf(objectOf(body['output_config'])['format'])['schema'],
        tools: tools?.map((tool) => ({ parameters: { type: 'object', properties: {} }, ...tool })),
      });
      expect(read.schema !== undefined).toBe(schema?.['additionalProperties'] === false);
      expect(read.system ?? '').toContain(system);
      expect({ seed, lines: linesOf(read.messages) }).toEqual({ seed, lines: linesOf(messages) });
    }
  });

  it('is sent in the same form again, with all that only the provider reads', () => {
    const answers = answeredMessages(new Random(7), 60);
    for (let seed = 1; seed <= 400; seed++) {
      const body = encoded(randomRequest(new Random(seed), answers));
      const before = JSON.stringify(body);
      const again = encoded(decodeMessagesRequest(body));
      expect({ seed, ...joined(again) }).toEqual({ seed, ...joined(body) });
      expect(JSON.stringify(body)).toBe(before);
    }
  });

  it('is read without an error, whatever values it has', () => {
    const answers = answeredMessages(new Random(8), 60);
    for (let seed = 1; seed <= 1_000; seed++) {
      const random = new Random(seed);
      const root = { value: encoded(randomRequest(random, answers)) as unknown };
      const done = random.times(1, 4, () => mutateJson(random, root)).join(', ');
      const body = objectOf(JSON.parse(writeJson(random, root.value)));
      const { model, messages } = decodeMessagesRequest(body);
      const isValid = typeof model === 'string' && messages.every(isMessage);
      expect({ seed, done, isValid }).toEqual({ seed, done, isValid: true });
    }
  });
});

function isMessage({ role, content, toolCallId, toolCalls = [] }: Message): boolean {
  const isContent = typeof content === 'string' || content.every(isPart);
  const isCalls = toolCalls.every(
    (call) => typeof call.id === 'string' && typeof call.name === 'string',
  );
  const isAnswer = (role === 'tool') === (typeof toolCallId === 'string');
  return isContent && isCalls && isAnswer && ['system', 'user', 'assistant', 'tool'].includes(role);
}

function isPart(part: ContentPart): boolean {
  if (part.type === 'text') return typeof part.text === 'string';
  if ('url' in part) return typeof part.url === 'string';
  return part.data instanceof Uint8Array && typeof part.mediaType === 'string';
}
