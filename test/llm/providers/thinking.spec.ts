import { describe, expect, it } from '@jest/globals';
import type { Message } from 'nestjs-llm-callbacks';
import { anthropic, block, frame } from '../../support/wire/anthropic.js';
import {
  ask,
  events,
  HELLO,
  json,
  METHODS,
  says,
  useBench,
  type Method,
} from '../../support/wire/index.js';
import { openai } from '../../support/wire/openai.js';

const THOUGHT = { type: 'thinking', thinking: 'Hm … “Köln”?\n🚀', signature: 'EqQBCgIYAhIM+/8=' };
const REDACTED = { type: 'redacted_thinking', data: 'EmwKAhgBEgy3va3pzix/LafPsn4=' };
const TEXT = { type: 'text', text: 'Let me see.' };
const CALL = { type: 'tool_use', id: 'toolu_1', name: 'lookup', input: { b: 1.5, a: ['Köln'] } };
const BLOCKS = [THOUGHT, REDACTED, TEXT, CALL];

/** An answer with thinking, by either method. */
function thinks(method: Method) {
  if (method === 'generate') {
    return json({ ...anthropic.answer(HELLO), content: BLOCKS, stop_reason: 'tool_use' });
  }
  const [start] = anthropic.stream(HELLO);
  const end = anthropic.stream({ finish: 'tool-calls' }).slice(-2);
  const { thinking, signature } = THOUGHT;
  return events(
    start!,
    ...block(
      0,
      { type: 'thinking', thinking: '', signature: '' },
      { type: 'thinking_delta', thinking: thinking.slice(0, 4) },
      { type: 'thinking_delta', thinking: thinking.slice(4) },
      { type: 'signature_delta', signature },
    ),
    ...block(1, REDACTED),
    frame({ type: 'ping' }),
    ...block(2, { type: 'text', text: '' }, { type: 'text_delta', text: TEXT.text }),
    ...block(
      3,
      { ...CALL, input: {} },
      { type: 'input_json_delta', partial_json: '{"b": 1.5, "a"' },
      { type: 'input_json_delta', partial_json: ': ["Köln"]}' },
    ),
    ...end,
  );
}

describe('Thinking of an Anthropic model', () => {
  const bench = useBench(anthropic);
  const other = useBench(openai);

  const turn = (message: Message): Message[] => [
    { role: 'user', content: 'Hi' },
    // Serialized and parsed again between two turns, as applications do.
    JSON.parse(JSON.stringify(message)) as Message,
    { role: 'tool', toolCallId: 'toolu_1', content: 'Sunny' },
  ];

  it.each(METHODS)('is sent back byte for byte, by %s', async (method) => {
    bench.server.answers(thinks(method), says(anthropic, method, HELLO));
    const { message, text, toolCalls } = await ask(bench.llm, method);
    expect(text).toBe('Let me see.');
    expect(toolCalls).toMatchObject([{ id: 'toolu_1', name: 'lookup', args: CALL.input }]);

    await ask(bench.llm, method, turn(message));
    const [, assistant] = bench.server.exchanges[1]!.body['messages'] as { content: unknown }[];
    expect(JSON.stringify(assistant!.content)).toBe(JSON.stringify(BLOCKS));
  });

  it('is emitted as reasoning chunks while it streams', async () => {
    bench.server.answers(thinks('stream'));
    await ask(bench.llm, 'stream');
    const chunks = bench.recording.of('llm.chunk').map(({ chunk }) => chunk);
    expect(chunks).toEqual([
      { type: 'reasoning', text: THOUGHT.thinking.slice(0, 4) },
      { type: 'reasoning', text: THOUGHT.thinking.slice(4) },
      { type: 'text', text: TEXT.text },
      { type: 'tool-call', index: 0, id: 'toolu_1', name: 'lookup', argsDelta: '' },
      { type: 'tool-call', index: 0, argsDelta: '{"b": 1.5, "a"' },
      { type: 'tool-call', index: 0, argsDelta: ': ["Köln"]}' },
    ]);
  });

  it('is unchanged beside other messages', async () => {
    bench.server.answers(thinks('generate'), says(anthropic, 'generate', HELLO));
    const { message } = await bench.llm.generate('Hi');
    const before = JSON.stringify(message);
    await bench.llm.generate([message, { role: 'assistant', content: 'More.' }]);
    const [, assistant] = bench.server.exchanges[1]!.body['messages'] as { content: unknown[] }[];
    expect(assistant!.content).toEqual(BLOCKS);
    expect(JSON.stringify(message)).toBe(before);
  });

  it('is not sent to another provider', async () => {
    bench.server.answers(thinks('generate'));
    other.server.answers(says(openai, 'generate', HELLO));
    const { message } = await bench.llm.generate('Hi');
    await other.llm.generate(turn(message));
    const [, assistant] = other.server.exchanges[0]!.body['messages'] as object[];
    expect(assistant).toEqual({
      role: 'assistant',
      content: TEXT.text,
      tool_calls: [
        {
          id: CALL.id,
          type: 'function',
          function: { name: CALL.name, arguments: JSON.stringify(CALL.input) },
        },
      ],
    });
  });
});
