import { describe, expect, it } from '@jest/globals';
import { CallbacksModule, getLlmToken, LlmService, type Message } from 'nestjs-llm-callbacks';
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
import {
  callEvents,
  callItem,
  messageItem,
  responseFrame,
  responseOf,
  responses,
  type ResponseEvent,
} from '../../support/wire/responses.js';

const THOUGHT = {
  id: 'rs_1',
  type: 'reasoning',
  summary: [{ type: 'summary_text', text: 'Hm … “Köln”?\n🚀' }],
  encrypted_content: 'gAAAAABo+/8=',
};
const SECOND_THOUGHT = {
  id: 'rs_2',
  type: 'reasoning',
  summary: [],
  encrypted_content: 'gAAAAABp=',
};
const CALL = callItem({ id: 'call_1', name: 'lookup', argsText: '{"b": 1.5, "a": ["Köln"]}' });
const OUTPUT = [THOUGHT, messageItem('Let me see.', { phase: 'commentary' }), SECOND_THOUGHT, CALL];

const done = (item: object, output_index: number): ResponseEvent[] => [
  { type: 'response.output_item.added', output_index, item: { ...item, content: [] } },
  { type: 'response.output_item.done', output_index, item },
];

/** An answer with reasoning, by either method. */
function thinks(method: Method, output: readonly object[] = OUTPUT, more: object = {}) {
  const response = responseOf({ status: 'completed', output, ...more });
  if (method === 'generate') return json(response);
  const summary = (delta: string) => ({
    type: 'response.reasoning_summary_text.delta',
    output_index: 0,
    delta,
  });
  const all: ResponseEvent[] = [
    { type: 'response.created', response: responseOf() },
    summary('Hm … '),
    summary('“Köln”?\n🚀'),
    ...done(output[0]!, 0),
    { type: 'response.output_text.delta', output_index: 1, delta: 'Let me see.' },
    ...done(output[1]!, 1),
    ...done(output[2]!, 2),
    ...callEvents(CALL, 3, ['{"b": 1.5, "a"', ': ["Köln"]}']),
    { type: 'response.completed', response },
  ];
  return events(...all.map(responseFrame));
}

const turn = (message: Message): Message[] => [
  { role: 'user', content: 'Hi' },
  // Serialized and parsed again between two turns, as applications do.
  JSON.parse(JSON.stringify(message)) as Message,
  { role: 'tool', toolCallId: 'call_1', content: 'Sunny' },
];

const SAID_IN_WORDS = [
  { role: 'assistant', content: 'Let me see.' },
  {
    type: 'function_call',
    call_id: 'call_1',
    name: 'lookup',
    arguments: '{"b": 1.5, "a": ["Köln"]}',
  },
];

describe('Reasoning of a model in the Responses API', () => {
  const bench = useBench(responses, {
    imports: (origin) => [
      CallbacksModule.forFeature([
        { name: 'chat', llm: { ...openai.client(origin), api: 'chat' } },
        { name: 'elsewhere', llm: { ...responses.client(origin), label: 'azure' } },
      ]),
    ],
  });
  const input = (number: number) => bench.server.exchanges[number]!.body['input'] as unknown[];

  it.each(METHODS)('is sent back item by item in order, by %s', async (method) => {
    bench.server.answers(thinks(method), says(responses, method, HELLO));
    const { message, text, toolCalls, finishReason } = await ask(bench.llm, method);
    expect({ text, finishReason }).toEqual({ text: 'Let me see.', finishReason: 'tool-calls' });
    expect(toolCalls).toMatchObject([{ id: 'call_1', args: { a: ['Köln'] } }]);

    await ask(bench.llm, method, turn(message));
    expect(JSON.stringify(input(1).slice(1, -1))).toBe(JSON.stringify(OUTPUT));
    expect(input(1).at(-1)).toEqual({
      type: 'function_call_output',
      call_id: 'call_1',
      output: 'Sunny',
    });
  });

  it('is emitted as reasoning chunks while it streams', async () => {
    bench.server.answers(thinks('stream'));
    await ask(bench.llm, 'stream');
    expect(bench.recording.of('llm.chunk').map(({ chunk }) => chunk)).toEqual([
      { type: 'reasoning', text: 'Hm … ' },
      { type: 'reasoning', text: '“Köln”?\n🚀' },
      { type: 'text', text: 'Let me see.' },
      { type: 'tool-call', index: 0, id: 'call_1', name: 'lookup', argsDelta: '' },
      { type: 'tool-call', index: 0, argsDelta: '{"b": 1.5, "a"' },
      { type: 'tool-call', index: 0, argsDelta: ': ["Köln"]}' },
    ]);
  });

  it.each(METHODS)('is not sent back as an id that is not stored, by %s', async (method) => {
    const mereId = { ...THOUGHT, encrypted_content: null };
    const output = [mereId, messageItem('Let me see.'), { ...mereId, id: 'rs_2' }, CALL];
    bench.server.answers(thinks(method, output), says(responses, method, HELLO));
    const { message } = await ask(bench.llm, method);
    await ask(bench.llm, method, turn(message));
    expect(input(1).slice(1, -1)).toEqual(SAID_IN_WORDS);
  });

  it('is sent back as an id when its server stores it', async () => {
    const output = [{ ...THOUGHT, encrypted_content: null }, CALL];
    bench.server.answers(
      thinks('generate', output, { store: true }),
      says(responses, 'generate', HELLO),
    );
    const providerOptions = { store: true };
    const { message } = await bench.llm.generate('Hi', { providerOptions });
    await bench.llm.generate(turn(message), { providerOptions });
    expect(input(1).slice(1, -1)).toEqual(output);
  });

  it('is sent back in plain text if the server sends plain text', async () => {
    const plain = {
      type: 'reasoning',
      id: 'rs_1',
      summary: [],
      content: [{ type: 'reasoning_text', text: 'Hm' }],
    };
    bench.server.answers(thinks('generate', [plain, CALL]), says(responses, 'generate', HELLO));
    const { message } = await bench.llm.generate('Hi');
    await bench.llm.generate(turn(message));
    expect(input(1)[1]).toEqual(plain);
  });

  it.each([
    ['chat', openai, 'messages', [expect.objectContaining({ tool_calls: expect.anything() })]],
    ['elsewhere', responses, 'input', SAID_IN_WORDS],
  ] as const)('is not sent to another server or API: %s', async (name, wire, field, said) => {
    const other = bench.app.get<LlmService>(getLlmToken(name), { strict: false });
    bench.server.answers(thinks('generate'), says(wire, 'generate', HELLO));
    const { message } = await bench.llm.generate('Hi');
    await other.generate(turn(message));
    const sent = JSON.stringify(bench.server.exchanges[1]!.body);
    expect(sent).not.toContain('gAAAA');
    expect(bench.server.exchanges[1]!.body[field]).toEqual([
      { role: 'user', content: 'Hi' },
      ...said,
      expect.anything(),
    ]);
  });

  it('can be only the phase of a text', async () => {
    const output = [messageItem('Let me see.', { phase: 'commentary' }), CALL];
    bench.server.answers(thinks('generate', output), says(responses, 'generate', HELLO));
    const { message } = await bench.llm.generate('Hi');
    await bench.llm.generate(turn(message));
    expect(input(1).slice(1, -1)).toEqual(output);
  });

  it('is omitted from a message that the common fields can represent', async () => {
    const output = [messageItem('Let me see.'), CALL];
    bench.server.answers(thinks('generate', output));
    expect((await bench.llm.generate('Hi')).message).not.toHaveProperty('providerData');
  });

  it('is kept without the text of a stream with collect: false', async () => {
    bench.server.answers(thinks('stream'));
    const { message } = await ask(bench.llm, 'stream', 'Hi', { collect: false });
    expect(message.content).toBe('');
    expect(message.providerData).toMatchObject({ output: [THOUGHT, SECOND_THOUGHT, CALL] });
  });
});
