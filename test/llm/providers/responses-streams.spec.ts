import { describe, expect, it } from '@jest/globals';
import {
  ask,
  errorOf,
  events,
  HELLO,
  json,
  METHODS,
  readOne,
  stalled,
  useBench,
} from '../../support/wire/index.js';
import {
  callEvents,
  callItem,
  messageItem,
  responseFrame,
  responseOf,
  responses,
  type ResponseEvent,
} from '../../support/wire/responses.js';

const LOOKUP = callItem({ id: 'call_1', name: 'lookup', argsText: '{"city":"Köln"}' }, 1);
const NOW = callItem({ id: 'call_2', name: 'now', argsText: '{}' }, 2);
const CALLED = [
  { id: 'call_1', name: 'lookup', args: { city: 'Köln' }, argsText: '{"city":"Köln"}' },
  { id: 'call_2', name: 'now', args: {}, argsText: '{}' },
];

const completed = (response: object = {}): ResponseEvent => ({
  type: 'response.completed',
  response,
});
const done = (item: object, output_index?: number): ResponseEvent => ({
  type: 'response.output_item.done',
  output_index,
  item,
});

describe('A stream of the Responses API', () => {
  const bench = useBench(responses);
  const streams = (...sent: ResponseEvent[]) =>
    bench.server.answers(events(...sent.map(responseFrame)));
  const chunks = () => bench.recording.of('llm.chunk').map(({ chunk }) => chunk);

  it('can interleave several tool calls', async () => {
    const lookup = callEvents(LOOKUP, 1, ['{"city"', ':"Köln"}']);
    const now = callEvents(NOW, 2, ['{}']);
    const mixed = lookup.flatMap((event, i) => [event, ...now.slice(i, i + 1)]);
    streams(...mixed, completed(responseOf({ output: [LOOKUP, NOW] })));
    const { toolCalls, finishReason } = await ask(bench.llm, 'stream');
    expect({ toolCalls, finishReason }).toEqual({
      toolCalls: CALLED,
      finishReason: 'tool-calls',
    });
    expect(chunks().map((chunk) => 'index' in chunk && chunk.index)).toEqual([0, 1, 0, 1, 0]);
  });

  it('can send a tool call only when it is complete', async () => {
    streams(done(LOOKUP, 1), done(NOW, 2), completed());
    expect((await ask(bench.llm, 'stream')).toolCalls).toEqual(CALLED);
    expect(chunks()).toEqual([
      { type: 'tool-call', index: 0, id: 'call_1', name: 'lookup', argsDelta: '' },
      { type: 'tool-call', index: 0, argsDelta: '{"city":"Köln"}' },
      { type: 'tool-call', index: 1, id: 'call_2', name: 'now', argsDelta: '' },
      { type: 'tool-call', index: 1, argsDelta: '{}' },
    ]);
  });

  it('can omit the indexes of its items', async () => {
    const nowhere = (sent: ResponseEvent[]) =>
      sent.map(({ output_index: _, ...event }): ResponseEvent => event as ResponseEvent);
    streams(
      ...nowhere(callEvents(LOOKUP, 1, ['{"city"', ':"Köln"}'])),
      ...nowhere(callEvents(NOW, 2, ['{}'])),
      completed(),
    );
    expect((await ask(bench.llm, 'stream')).toolCalls).toEqual(CALLED);
  });

  it('can send a text only when it is complete', async () => {
    streams(done(messageItem('Hello'), 0), done(messageItem(', world'), 1), completed());
    expect((await ask(bench.llm, 'stream')).text).toBe('Hello, world');
    expect(chunks()).toEqual([
      { type: 'text', text: 'Hello' },
      { type: 'text', text: ', world' },
    ]);
  });

  it('can consist of its end event', async () => {
    streams(completed(responseOf({ output: [messageItem('Hello'), LOOKUP, NOW] })));
    const response = await ask(bench.llm, 'stream');
    expect(response).toMatchObject({ id: 'resp_1', text: 'Hello', toolCalls: CALLED });
    expect(chunks()[0]).toEqual({ type: 'text', text: 'Hello' });
  });

  it('can omit the end events of its items', async () => {
    const output = [messageItem('Hello'), messageItem('!'), LOOKUP];
    const [text, call] = [responses.text('Hello!'), callEvents(LOOKUP, 1, ['{"city":"Köln"}'])];
    const end = responseFrame(completed(responseOf({ output })));
    const opened = call.slice(0, -2).map(responseFrame);
    bench.server.answers(events(text, end), events(...opened, end), events(text, ...opened, end));
    for (let i = 0; i < 3; i++) {
      const { text: said, toolCalls } = await ask(bench.llm, 'stream');
      expect({ said, toolCalls }).toEqual({ said: 'Hello!', toolCalls: CALLED.slice(0, 1) });
    }
  });

  it('is priced by the model that answers, also when it is cut short', async () => {
    const response = responseOf({ model: 'gpt-5-nano' });
    const start = responseFrame({ type: 'response.created', response });
    bench.server.answers(stalled(start, responses.text('Hello')));
    const stream = bench.llm.stream('Hi');
    await readOne(stream);
    const { model, cost, usage } = await stream.response;
    expect(model).toBe('gpt-5-nano');
    expect(cost).toBeCloseTo((usage.inputTokens * 0.05 + usage.outputTokens * 0.4) / 1e6, 12);
  });

  it('can omit its items in the end event', async () => {
    const thought = { id: 'rs_1', type: 'reasoning', summary: [], encrypted_content: 'gAAA' };
    streams(done(thought, 0), ...callEvents(LOOKUP, 1, ['{"city":"Köln"}']), completed());
    const { message } = await ask(bench.llm, 'stream');
    expect(message.providerData).toMatchObject({ output: [thought, LOOKUP] });
  });

  it('can have events and items of unknown kinds', async () => {
    const hologram = { type: 'hologram', light: 1 };
    const strange = [{ type: 'response.hologram.delta', delta: 2 }, { type: 'ping' }];
    streams(...strange, done(hologram, 0), done(messageItem('Hello'), 1), completed());
    const { text, message } = await ask(bench.llm, 'stream');
    expect(text).toBe('Hello');
    expect(message.providerData).toMatchObject({ output: [hologram, { type: 'message' }] });
  });

  it('can end with the marker of chat completions', async () => {
    bench.server.answers(events(...responses.stream(HELLO), 'data: [DONE]\n\n'));
    expect(await ask(bench.llm, 'stream')).toMatchObject({ text: 'Hello, world' });
  });
});

describe('A server with a Responses-compatible API', () => {
  const bench = useBench(responses, { llm: { label: 'vllm', model: 'qwen3' } });

  it('can send reasoning in plain text', async () => {
    bench.server.answers(
      events(
        responseFrame({ type: 'response.reasoning_text.delta', delta: 'Hm' }),
        responses.text('Hello'),
        responseFrame(completed()),
      ),
    );
    await ask(bench.llm, 'stream');
    expect(bench.recording.of('llm.chunk').map(({ chunk }) => chunk)).toEqual([
      { type: 'reasoning', text: 'Hm' },
      { type: 'text', text: 'Hello' },
    ]);
  });

  it('can omit optional fields', async () => {
    bench.server.answers(
      json({ output: [{ type: 'message', content: [{ type: 'output_text', text: 'Hello' }] }] }),
      events(
        responseFrame({ type: 'response.output_text.delta', delta: 'Hello' }),
        responseFrame(completed()),
      ),
    );
    for (const method of METHODS) {
      const response = await ask(bench.llm, method);
      expect(response).toMatchObject({
        id: '',
        provider: 'vllm',
        model: 'qwen3',
        text: 'Hello',
        finishReason: 'stop',
        usage: { source: 'estimated' },
      });
    }
  });

  it('can answer an error with status 200', async () => {
    const error = { type: 'invalid_request_error', code: 'context_length_exceeded' };
    bench.server.answers(json(responses.error(error)), events(responses.streamError(error)));
    for (const method of METHODS) {
      expect(await errorOf(ask(bench.llm, method))).toMatchObject({
        name: 'LlmContextLengthError',
        message: expect.stringContaining('vllm'),
      });
    }
  });

  it('is limited by the only limit parameter of this API', async () => {
    bench.server.answers(json(responses.answer(HELLO)));
    await bench.llm.generate('Hi', { maxOutputTokens: 9 });
    expect(bench.server.exchanges[0]!.body).toMatchObject({ max_output_tokens: 9 });
  });
});
