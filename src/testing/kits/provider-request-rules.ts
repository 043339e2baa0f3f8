import assert from 'node:assert/strict';
import type { LlmRequest } from '../../index.js';
import {
  ANSWER_METHODS,
  type AddProviderTest,
  type AnswerMethod,
  type ProviderBench,
} from './provider-bench.js';

/** Bytes that are no text. */
const PIXELS = Uint8Array.from({ length: 24 }, (_, i) => (i * 41 + 200) % 256);

export function testRequests(test: AddProviderTest): void {
  for (const method of ANSWER_METHODS) {
    test(method, 'model, instruction, conversation and limit are sent', async (bench) => {
      const sent = await bodyOf(bench, method, {
        system: 'KIT-SYSTEM',
        messages: [
          { role: 'user', content: 'KIT-FIRST' },
          { role: 'assistant', content: 'KIT-ANSWER' },
          { role: 'user', content: [{ type: 'text', text: 'KIT-LAST' }] },
        ],
        maxOutputTokens: 4_321,
      });
      const texts = ['KIT-SYSTEM', 'KIT-FIRST', 'KIT-ANSWER', 'KIT-LAST', '4321', bench.model];
      assertSent(sent, ...texts);
    });

    test(method, 'providerOptions are sent as they are', async (bench) => {
      const sent = await bodyOf(bench, method, { providerOptions: { kit_option: 'KIT-VALUE' } });
      assertSent(sent, 'kit_option', 'KIT-VALUE');
    });
  }
}

export function testToolRequests(test: AddProviderTest): void {
  for (const method of ANSWER_METHODS) {
    test(method, 'tools, earlier tool calls and their results are sent', async (bench) => {
      const args = { kit_city: 'KIT-PARIS' };
      const argsText = JSON.stringify(args);
      const sent = await bodyOf(bench, method, {
        tools: [
          {
            name: 'kit_tool',
            description: 'KIT-DESCRIPTION',
            parameters: { type: 'object', properties: { kit_city: { type: 'string' } } },
          },
        ],
        messages: [
          { role: 'user', content: 'Hi' },
          {
            role: 'assistant',
            content: '',
            toolCalls: [{ id: 'call_kit', name: 'kit_tool', args, argsText }],
          },
          { role: 'tool', content: 'KIT-RESULT', toolCallId: 'call_kit' },
        ],
      });
      assertSent(sent, 'kit_tool', 'KIT-DESCRIPTION', 'kit_city', 'KIT-PARIS', 'KIT-RESULT');
    });
  }
}

export function testImageRequests(test: AddProviderTest): void {
  for (const method of ANSWER_METHODS) {
    test(method, 'images are sent', async (bench) => {
      const sent = await bodyOf(bench, method, {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'KIT-TEXT' },
              { type: 'image', data: PIXELS, mediaType: 'image/png' },
            ],
          },
        ],
      });
      assertSent(sent, 'KIT-TEXT', Buffer.from(PIXELS).toString('base64'));
    });
  }
}

export function testSchemaRequests(test: AddProviderTest): void {
  for (const method of ANSWER_METHODS) {
    test(method, 'the schema of the answer is sent', async (bench) => {
      const sent = await bodyOf(bench, method, {
        schema: {
          type: 'object',
          properties: { kit_field: { type: 'string' } },
          required: ['kit_field'],
          additionalProperties: false,
        },
      });
      assertSent(sent, 'kit_field');
    });
  }
}

/** The body of a request. */
async function bodyOf(
  bench: ProviderBench,
  method: AnswerMethod,
  request: Partial<LlmRequest>,
): Promise<string> {
  bench.answer(method);
  await bench.ask(method, request);
  return (await bench.received()).body;
}

export function assertSent(body: string, ...texts: readonly string[]): void {
  for (const text of texts) assert.ok(body.includes(text), `The request lacks "${text}".`);
}
