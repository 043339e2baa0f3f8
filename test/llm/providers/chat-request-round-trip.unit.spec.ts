import { describe, expect, it } from '@jest/globals';
import type { LlmRequest, Message } from 'nestjs-llm-callbacks';
import { encodeChatRequest } from '../../../src/llm/providers/openai/chat-request.js';
import { decodeChatRequest } from '../../../src/llm/providers/openai/chat-request-decoder.js';
import { chatIdsOf } from '../../../src/llm/providers/openai/chat-streamed-calls.js';
import { toHistory } from '../../../src/llm/providers/shared/history.js';
import type { WireObject } from '../../../src/llm/providers/shared/wire-values.js';
import { mutateJson, writeJson } from '../../support/fuzz/mutate-json.js';
import { RandomHistory, type History } from '../../support/histories/random-history.js';
import { Random } from '../../support/wire/random.js';

const WEATHER = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const HI: Message = { role: 'user', content: 'Hi' };
const ROUNDS = 500;
const WIRE = {
  provider: 'openai',
  limitParameter: 'max_completion_tokens',
  schemaForm: 'schema',
  ids: chatIdsOf('openai'),
} as const;

function encoded(request: LlmRequest): WireObject {
  return JSON.parse(JSON.stringify(encodeChatRequest(request, true, WIRE))) as WireObject;
}

const ANSWER: Message = { role: 'assistant', content: 'It is so.' };

function randomHistory(random: Random): History {
  for (;;) {
    const history = new RandomHistory(random, [ANSWER]).make();
    if (!history.mayBeRefused) return history;
  }
}

function randomRequest(random: Random, { messages } = randomHistory(random)): LlmRequest {
  const tools = random.times(1, 3, (index) => ({
    name: `tool_${index}`,
    ...(random.chance(0.5) && { description: random.text() }),
    ...(random.chance(0.5) && { parameters: WEATHER }),
  }));
  return {
    model: random.pick(['gpt-4o', 'o3']),
    messages: [...messages],
    ...(random.chance(0.5) && { system: random.text() }),
    ...(random.chance(0.5) && { tools }),
    ...(random.chance(0.5) && {
      toolChoice: random.pick(['auto', 'none', 'required', { name: 'tool_0' }] as const),
    }),
    ...(random.chance(0.5) && { temperature: random.next() }),
    ...(random.chance(0.5) && { maxOutputTokens: random.int(1, 999) }),
    ...(random.chance(0.5) && { stop: random.times(0, 2, () => random.text()) }),
    ...(random.chance(0.5) && { schema: WEATHER }),
    ...(random.chance(0.5) && { providerOptions: { seed: random.int(0, 9) } }),
  };
}

/** The calls of messages with the ids of the results, in the form in which they are sent. */
function sentCalls(messages: readonly Message[]): { calls: object[]; answered: string[] } {
  const sent = toHistory(messages, WIRE.ids).flatMap(({ calls }) => calls);
  const calls = sent.map(({ id, name, args, argsText }) => ({ id, name, args, argsText }));
  return { calls, answered: sent.map(({ id }) => id) };
}

describe('An encoded request', () => {
  it('has the same fields when it is decoded', () => {
    const random = new Random(1);
    for (let round = 0; round < ROUNDS; round++) {
      const { messages: _sent, system, ...fields } = randomRequest(random);
      const messages: Message[] = [HI, { role: 'system', content: 'Be brief.' }];
      const request = { ...fields, messages, ...(system !== undefined && { system }) };
      expect(decodeChatRequest(encoded(request))).toStrictEqual(request);
    }
  });

  it('has the same messages, calls and results when it is decoded', () => {
    const random = new Random(2);
    for (let round = 0; round < ROUNDS; round++) {
      const history = randomHistory(random);
      const body = encoded({ ...randomRequest(random, history), system: 'Be brief.' });
      const decoded = decodeChatRequest(body);
      // All that was sent is there, in its order.
      expect(encoded(decoded)).toEqual(body);
      expect(decoded.system).toBe('Be brief.');
      const { messages } = decoded;
      const texts = JSON.stringify(messages.map(({ content }) => content));
      expect(history.words.filter((word) => !texts.includes(word))).toEqual([]);
      const { calls, answered } = sentCalls(history.messages);
      expect(messages.flatMap(({ toolCalls = [] }) => toolCalls)).toEqual(calls);
      expect(messages.flatMap(({ toolCallId }) => toolCallId ?? [])).toEqual(answered);
    }
  });

  it('is not changed', () => {
    const random = new Random(3);
    for (let round = 0; round < ROUNDS; round++) {
      const body = encoded(randomRequest(random));
      const before = structuredClone(body);
      decodeChatRequest(body);
      expect(body).toEqual(before);
    }
  });
});

describe('A malformed body', () => {
  it('never throws', () => {
    const random = new Random(4);
    for (let round = 0; round < 4 * ROUNDS; round++) {
      const root = { value: encoded(randomRequest(random)) as unknown };
      for (let changes = random.int(1, 4); changes > 0; changes--) mutateJson(random, root);
      const body = JSON.parse(writeJson(random, root.value)) as WireObject;
      const { messages } = decodeChatRequest(body ?? {});
      expect(messages.every(({ content }) => content !== undefined)).toBe(true);
    }
  });
});
