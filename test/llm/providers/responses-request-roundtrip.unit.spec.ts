import { describe, expect, it } from '@jest/globals';
import type { LlmRequest, Message } from 'nestjs-llm-callbacks';
import { imageUrl } from '../../../src/llm/providers/openai/chat-data.js';
import { encodeResponsesRequest } from '../../../src/llm/providers/openai/responses-request.js';
import { decodeResponsesRequest } from '../../../src/llm/providers/openai/responses-request-decoder.js';
import {
  isBlank,
  OPENING,
  partsOf,
  toHistory,
  withoutImages,
} from '../../../src/llm/providers/shared/history.js';
import { isObject, type WireObject } from '../../../src/llm/providers/shared/wire-values.js';
import { nested } from '../../support/deep.js';
import { RandomHistory } from '../../support/histories/random-history.js';
import { Random } from '../../support/wire/random.js';

const PNG = 'data:image/png;base64,iVBORw0KGgo=';
const SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const call = (id: string) => ({
  type: 'function_call',
  call_id: id,
  name: 'weather',
  arguments: '{"city":"Rome"}',
});
const reasoning = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'x' };

describe('A malformed body for the Responses API', () => {
  const rich: WireObject = {
    model: 'gpt-5',
    instructions: 'Be short.',
    temperature: 1,
    max_output_tokens: 9,
    tools: [{ type: 'function', name: 'weather', description: 'Weather.', parameters: SCHEMA }],
    tool_choice: { type: 'function', name: 'weather' },
    text: { format: { type: 'json_schema', name: 'city', schema: SCHEMA } },
    input: [
      { role: 'user', content: [{ type: 'input_text', text: 'Hi' }] },
      { role: 'user', content: [{ type: 'input_image', image_url: PNG, detail: 'auto' }] },
      { role: 'assistant', content: [{ type: 'output_text', text: 'I look.' }] },
      { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
      call('a'),
      {
        type: 'function_call_output',
        call_id: 'a',
        output: [{ type: 'input_text', text: 'sunny' }],
      },
    ],
  };
  const deep = nested(20_000);
  const values = [
    undefined,
    null,
    true,
    7,
    '',
    'x',
    '{',
    [],
    [null],
    [[]],
    {},
    { type: 'x' },
    deep,
  ];

  it.each(pathsIn(rich).map((path) => ({ place: path.join('.'), path })))(
    'becomes a request with anything at $place, and is not changed',
    ({ path }) => {
      for (const value of values) {
        const body = replaced(rich, path, value);
        const before = shallowText(body);
        expectTypes(decodeResponsesRequest(body as WireObject));
        expect(shallowText(body)).toBe(before);
      }
    },
  );

  /** Handlers rely on the types of a request. */
  function expectTypes({ model, messages, tools = [], toolChoice, schema }: LlmRequest): void {
    const calls = messages.flatMap(({ toolCalls = [] }) => toolCalls);
    const chosen = typeof toolChoice === 'object' ? [toolChoice.name] : [];
    const names = [...tools, ...calls].map(({ name }) => name);
    const ids = calls.flatMap(({ id, argsText }) => [id, argsText]);
    for (const text of [model, ...names, ...chosen, ...ids]) expect(typeof text).toBe('string');
    for (const { parameters = {} } of tools) expect(isObject(parameters)).toBe(true);
    for (const { content } of messages)
      expect(typeof content === 'string' || Array.isArray(content)).toBe(true);
    expect(schema === undefined || isObject(schema)).toBe(true);
  }

  /** The JSON of a body, without the value that is too deep for it. */
  function shallowText(body: unknown): string {
    return JSON.stringify(body, (_, value: unknown) => (value === deep ? 'deep' : value));
  }
});

describe('A request that was encoded for the Responses API', () => {
  it('is decoded to the same request', () => {
    for (let seed = 1; seed <= 1_000; seed++) {
      const request = randomRequest(new Random(seed));
      const body = encodeResponsesRequest(request, seed % 2 === 0, 'openai', {
        schemaForm: 'schema',
      });
      const decoded = decodeResponsesRequest(JSON.parse(JSON.stringify(body)) as WireObject);
      const { messages, providerOptions, ...others } = decoded;
      expect({ seed, said: messages.flatMap(saidIn) }).toEqual({ seed, said: normal(request) });
      expect({ seed, ...others }).toStrictEqual({ seed, ...normalFields(request) });
      expect(Object.keys(providerOptions!)).toEqual(
        expect.arrayContaining(['store', ...Object.keys(request.providerOptions ?? {})]),
      );
    }
  });
});

function randomRequest(random: Random): LlmRequest {
  const answers = ['openai', 'another'].map(answerOf);
  const request: LlmRequest = {
    model: random.pick(['gpt-5', 'gpt-4o']),
    messages: new RandomHistory(random, answers).make().messages.filter(isWellFormed),
  };
  if (random.chance(0.5)) request.system = random.text();
  if (random.chance(0.5))
    request.tools = random.times(0, 3, (index) => ({
      name: `tool${index}`,
      ...(random.chance(0.5) && { description: random.text() }),
      ...(random.chance(0.7) && { parameters: SCHEMA }),
    }));
  if (random.chance(0.5))
    request.toolChoice = random.pick(['auto', 'none', 'required', { name: 'tool0' }] as const);
  if (random.chance(0.5)) request.temperature = random.next();
  if (random.chance(0.5)) request.maxOutputTokens = random.int(1, 9_999);
  if (random.chance(0.5)) request.schema = SCHEMA;
  if (random.chance(0.3)) request.providerOptions = { text: { verbosity: 'low' } };
  if (random.chance(0.3)) request.providerOptions = { user: random.text() };
  return request;
}

/** An answer that a provider gave, with reasoning that goes back to it. */
function answerOf(provider: string): Message {
  const message = {
    type: 'message',
    role: 'assistant',
    content: [{ type: 'output_text', text: 'It is so.', annotations: [] }],
  };
  return {
    role: 'assistant',
    content: 'It is so.',
    toolCalls: ['a', 'b'].map((id) => {
      const argsText = call(id).arguments;
      return { id, name: 'weather', args: JSON.parse(argsText) as unknown, argsText };
    }),
    providerData: {
      provider,
      api: 'responses',
      output: [reasoning, message, call('a'), reasoning, call('b')],
    },
  };
}

/** The encoder is only called with checked messages. */
function isWellFormed({ content }: Message): boolean {
  if (typeof content === 'string') return true;
  return content.every(
    (part) =>
      (part?.type === 'text' && typeof part.text === 'string') ||
      (part?.type === 'image' && ('url' in part || 'data' in part)),
  );
}

/** The texts, images, calls and results of a message, in their order. */
function saidIn({ role, content, toolCalls = [], toolCallId }: Message): unknown[] {
  const said = textsOf(content);
  if (role === 'tool') return [{ result: toolCallId, said }];
  const calls = toolCalls.map(({ id, name, argsText }) => ({ id, name, argsText }));
  // A message without a text stands for the calls alone.
  return content === '' ? calls : [{ role, said }, ...calls];
}

/** The same of a request, in the form in which it is sent. */
function normal({ messages }: LlmRequest): unknown[] {
  const turns = toHistory(messages, { fits: /^.{1,64}$/s, length: 24, uniqueIn: 'turn' });
  const said = turns.flatMap(({ role, content, calls }) => {
    const shown = role === 'user' ? content : withoutImages(content);
    return [
      ...(isBlank(shown) ? [] : [{ role, said: textsOf(shown) }]),
      ...calls.map(({ id, name, argsText }) => ({ id, name, argsText })),
      ...calls.map(({ id, result }) => ({ result: id, said: textsOf(result) })),
    ];
  });
  return said.length > 0 ? said : [{ role: 'user', said: [OPENING] }];
}

function textsOf(content: Message['content']): string[] {
  if (typeof content === 'string') return [content];
  const parts = partsOf(content);
  return parts.length === 0
    ? ['']
    : parts.map((part) => (part.type === 'text' ? part.text : imageUrl(part)));
}

/** The fields of a request as they are sent: a function always has parameters, and a list of none is not sent. */
function normalFields({
  messages: _messages,
  providerOptions: _options,
  tools,
  ...fields
}: LlmRequest): Partial<LlmRequest> {
  if (!tools?.length) return fields;
  const parameters = { type: 'object', properties: {} };
  return { ...fields, tools: tools.map((tool) => ({ parameters, ...tool })) };
}

type Path = readonly (string | number)[];

/** The places of all values, the value itself excluded. */
function pathsIn(value: unknown, path: Path = []): Path[] {
  if (!isObject(value) && !Array.isArray(value)) return [];
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return keys.flatMap((key) => {
    const place = [...path, key];
    return [place, ...pathsIn((value as WireObject)[key], place)];
  });
}

/** A copy with another value at a place. */
function replaced(value: unknown, [key, ...path]: Path, by: unknown): unknown {
  if (key === undefined) return by;
  const inner = replaced((value as WireObject)[key], path, by);
  if (Array.isArray(value)) return value.with(Number(key), inner);
  return { ...(value as WireObject), [key]: inner };
}
