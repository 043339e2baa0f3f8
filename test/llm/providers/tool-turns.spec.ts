import { describe, expect, it } from '@jest/globals';
import type { Message, ToolCall } from 'nestjs-llm-callbacks';
import { anthropic } from '../../support/wire/anthropic.js';
import { ask, events, HELLO, METHODS, says, useBench, WIRES } from '../../support/wire/index.js';
import { openai } from '../../support/wire/openai.js';

const CALLS: ToolCall[] = [
  { id: 'call_1', name: 'lookup', args: { city: 'Köln' }, argsText: '{"city": "Köln"}' },
  { id: 'call_2', name: 'now', args: {}, argsText: '' },
];

const CONVERSATION: Message[] = [
  { role: 'user', content: 'How is Köln?' },
  { role: 'assistant', content: 'Let me see.', toolCalls: CALLS },
  { role: 'tool', toolCallId: 'call_1', content: 'Sunny' },
  { role: 'tool', toolCallId: 'call_2', content: [{ type: 'text', text: 'Noon' }] },
  { role: 'user', content: 'And tomorrow?' },
];

describe('A conversation with tools', () => {
  describe('is sent to openai', () => {
    const bench = useBench(openai);

    it('message by message, with arguments as the model wrote them', async () => {
      bench.server.answers(says(openai, 'generate', HELLO));
      await bench.llm.generate(CONVERSATION);
      expect(bench.server.exchanges[0]!.body['messages']).toEqual([
        { role: 'user', content: 'How is Köln?' },
        {
          role: 'assistant',
          content: 'Let me see.',
          tool_calls: [
            {
              id: 'call_1',
              type: 'function',
              function: { name: 'lookup', arguments: '{"city": "Köln"}' },
            },
            { id: 'call_2', type: 'function', function: { name: 'now', arguments: '{}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'call_1', content: 'Sunny' },
        { role: 'tool', tool_call_id: 'call_2', content: [{ type: 'text', text: 'Noon' }] },
        { role: 'user', content: 'And tomorrow?' },
      ]);
    });

    it('with the images of tool results after the results, which are text only', async () => {
      bench.server.answers(says(openai, 'generate', HELLO));
      const image = { type: 'image' as const, url: 'https://example.com/a.png' };
      await bench.llm.generate([
        { role: 'assistant', content: '', toolCalls: CALLS },
        { role: 'tool', toolCallId: 'call_1', content: [{ type: 'text', text: 'Sunny' }, image] },
        { role: 'tool', toolCallId: 'call_2', content: [image] },
      ]);
      const shown = { type: 'image_url', image_url: { url: image.url } };
      expect(bench.server.exchanges[0]!.body['messages']).toMatchObject([
        { role: 'assistant' },
        { role: 'tool', tool_call_id: 'call_1', content: [{ type: 'text', text: 'Sunny' }] },
        { role: 'tool', tool_call_id: 'call_2', content: 'The pictures that follow.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Of the result of the tool call call_1:' },
            shown,
            { type: 'text', text: 'Of the result of the tool call call_2:' },
            shown,
          ],
        },
      ]);
    });

    it('without content if the model only called tools', async () => {
      bench.server.answers(says(openai, 'generate', HELLO));
      await bench.llm.generate([{ role: 'assistant', content: '', toolCalls: CALLS }]);
      const [assistant] = bench.server.exchanges[0]!.body['messages'] as object[];
      expect(assistant).toMatchObject({ role: 'assistant', content: null });
    });
  });

  describe('is sent to anthropic', () => {
    const bench = useBench(anthropic);

    it('in turns: results and the next user message are one message', async () => {
      bench.server.answers(says(anthropic, 'generate', HELLO));
      await bench.llm.generate(CONVERSATION);
      expect(bench.server.exchanges[0]!.body['messages']).toEqual([
        { role: 'user', content: [{ type: 'text', text: 'How is Köln?' }] },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'Let me see.' },
            { type: 'tool_use', id: 'call_1', name: 'lookup', input: { city: 'Köln' } },
            { type: 'tool_use', id: 'call_2', name: 'now', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 'call_1',
              content: [{ type: 'text', text: 'Sunny' }],
            },
            {
              type: 'tool_result',
              tool_use_id: 'call_2',
              content: [{ type: 'text', text: 'Noon' }],
            },
            { type: 'text', text: 'And tomorrow?' },
          ],
        },
      ]);
    });

    it.each([['text'], [7], [null], [['a', 'b']], [undefined]])(
      'with an empty object instead of arguments that are %j',
      async (args) => {
        bench.server.answers(says(anthropic, 'generate', HELLO));
        const call = { id: 'call_1', name: 'now', args, argsText: '…' };
        await bench.llm.generate([
          { role: 'user', content: 'Hi' },
          { role: 'assistant', content: '', toolCalls: [call] },
          { role: 'tool', toolCallId: 'call_1', content: 'Error' },
        ]);
        expect(bench.server.exchanges[0]!.body['messages']).toMatchObject([
          { role: 'user' },
          { role: 'assistant', content: [{ type: 'tool_use', input: {} }] },
          { role: 'user' },
        ]);
      },
    );
  });

  describe.each(WIRES)('is received from $name', (wire) => {
    const bench = useBench(wire);

    it.each(METHODS)('as a message that the next turn can send, by %s', async (method) => {
      const toolCalls = CALLS.slice(0, 1).map(({ id, name }) => ({
        id,
        name,
        argsText: '{"city":"Köln"}',
      }));
      bench.server.answers(
        says(wire, method, { text: 'Let me see.', toolCalls }),
        says(wire, method, HELLO),
      );
      const { message, finishReason } = await ask(bench.llm, method);
      expect(finishReason).toBe('tool-calls');
      expect(message).toMatchObject({ role: 'assistant', content: 'Let me see.', toolCalls });

      await ask(bench.llm, method, [
        { role: 'user', content: 'Hi' },
        message,
        { role: 'tool', toolCallId: 'call_1', content: 'Sunny' },
      ]);
      expect(JSON.stringify(bench.server.exchanges[1]!.body)).toContain('Köln');
    });
  });

  describe.each(WIRES)('with malformed arguments from $name', (wire) => {
    const bench = useBench(wire);
    const call = (argsText: string) => ({
      toolCalls: [{ id: 'call_1', name: 'lookup', argsText }],
    });

    it('keeps arguments that are not JSON as text, and reports them', async () => {
      bench.server.answers(events(...wire.stream(call('{"city": Köln}'))));
      const { toolCalls } = await ask(bench.llm, 'stream');
      expect(toolCalls).toEqual([
        {
          id: 'call_1',
          name: 'lookup',
          args: undefined,
          argsText: '{"city": Köln}',
          argsError: expect.any(String),
        },
      ]);
    });

    it('parses empty arguments as an empty object', async () => {
      bench.server.answers(events(...wire.stream(call(''))));
      expect((await ask(bench.llm, 'stream')).toolCalls).toMatchObject([{ args: {} }]);
    });
  });
});
