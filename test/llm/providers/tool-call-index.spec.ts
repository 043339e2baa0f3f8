import { afterEach, expect, it } from '@jest/globals';
import { closeApps, startApp } from '../../support/app.js';
import { CapturedWire, HOSTS } from '../../support/histories/captured-wire.js';
import { readAll } from '../../support/wire/calls.js';

afterEach(closeApps);

it.each([1e21, Number.MAX_SAFE_INTEGER, 10_000, -1])(
  'A streamed tool call has a small index although the server sends the index %d',
  async (index) => {
    const wire = new CapturedWire(HOSTS.find(({ api }) => api === 'chat')!);
    const call = { index, id: 'call_1', function: { name: 'lookup', arguments: '{"a":' } };
    const rest = { index, function: { arguments: '1}' } };
    const next = { index: 0, id: 'call_2', function: { name: 'refund', arguments: '{}' } };
    const chunks = [call, rest, next].map((tool) => ({
      choices: [{ index: 0, delta: { tool_calls: [tool] } }],
    }));
    const end = { choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] };
    const frames = [...chunks, end].map((event) => `data: ${JSON.stringify(event)}\n\n`);
    const headers = { 'content-type': 'text/event-stream' };
    wire.answer = () => new Response(frames.join(''), { headers });
    const { llm } = await startApp({}, { llm: wire.llm });
    const stream = llm.stream('Hi');
    const places = (await readAll(stream)).map((chunk) => 'index' in chunk && chunk.index);
    expect(places).toEqual([0, 0, 1]);
    const { toolCalls } = await stream.response;
    expect(toolCalls).toMatchObject([{ argsText: '{"a":1}' }, { argsText: '{}' }]);
  },
);
