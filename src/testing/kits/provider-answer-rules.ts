import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { LlmChunk, ProviderResult, ToolSpec } from '../../index.js';
import {
  ANSWER_METHODS,
  isChunk,
  type AddProviderTest,
  type ProviderKitOptions,
} from './provider-bench.js';
import { USAGE } from './provider-replies.js';

const WEATHER: ToolSpec = {
  name: 'weather',
  description: 'The weather of a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const TIME: ToolSpec = { name: 'time', description: 'The time', parameters: { type: 'object' } };
const TOOLS = [WEATHER, TIME];
/** Characters of one to four bytes, and one of several code points. */
const UNICODE = 'aé漢😀 👩‍👩‍👧 ok';

export function testAnswers(test: AddProviderTest, options: ProviderKitOptions): void {
  for (const method of ANSWER_METHODS) {
    test(method, 'the text of an answer is returned, with its message and model', async (bench) => {
      bench.answer(method, { text: ['Hello, ', 'world'] });
      const result = await bench.ask(method);
      assert.equal(result.text, 'Hello, world');
      assert.deepEqual(messageOf(result), { role: 'assistant', content: 'Hello, world' });
      assert.deepEqual(result.toolCalls, []);
      assert.equal(result.finishReason, 'stop');
      assert.equal(result.model, bench.model);
      assert.equal(typeof result.id, 'string');
      assert.equal(bench.server.requests.length, 1, 'One request is sent.');
    });

    test(method, "an answer without content is a result with the text ''", async (bench) => {
      bench.answer(method, { text: [] });
      const result = await bench.ask(method);
      const { text, toolCalls, finishReason } = result;
      assert.deepEqual(
        { text, toolCalls, finishReason },
        { text: '', toolCalls: [], finishReason: 'stop' },
      );
    });

    for (const finishReason of ['length', 'content-filter'] as const) {
      test(
        method,
        `an answer that ends by '${finishReason}' has this finish reason`,
        async (bench) => {
          bench.answer(method, { text: ['Hel'], finishReason });
          const result = await bench.ask(method);
          assert.deepEqual([result.text, result.finishReason], ['Hel', finishReason]);
        },
      );
    }

    if (options.usage ?? true) {
      test(method, 'usage has the counts of the server', async (bench) => {
        bench.answer(method);
        assert.deepEqual(usageOf(await bench.ask(method)), {
          ...USAGE,
          totalTokens: 1_234,
          source: 'provider',
        });
      });
    }

    test(method, 'usage is UNREPORTED_USAGE if the server sends none', async (bench) => {
      bench.answer(method, { usage: undefined });
      const { source } = usageOf(await bench.ask(method));
      assert.equal(
        source,
        'estimated',
        "The usage of an answer without counts has the source 'estimated'.",
      );
    });

    test(
      method,
      'characters of several bytes arrive intact, however packets cut them',
      async (bench) => {
        bench.answer(method, { text: [UNICODE], packets: 'bytes' });
        assert.equal((await bench.ask(method)).text, UNICODE);
      },
    );
  }
}

export function testStreams(test: AddProviderTest): void {
  test('stream', 'the chunks join to the text of the result, in order', async (bench) => {
    const text = ['One ', 'two ', 'three'];
    bench.answer('stream', { text });
    const { chunks, result } = await bench.read();
    assert.equal(textsOf(chunks, 'text').join(''), text.join(''));
    assert.equal(result.text, text.join(''));
  });

  test('stream', 'a chunk is yielded before the next one is sent', async (bench) => {
    bench.answer('stream', { text: ['One ', 'two '], ending: 'stall' });
    const reader = bench.reader();
    const read: string[] = [];
    while (read.join('') !== 'One two ') {
      const item = await reader.next();
      assert.ok(item !== undefined && isChunk(item), 'The stream ended, but its answer did not.');
      if (item.type === 'text') read.push(item.text);
    }
    await reader.leave();
  });

  test('stream', 'an answer that arrives in one packet is read to its end', async (bench) => {
    bench.answer('stream', { text: ['One ', 'two ', 'three'], packets: 'one' });
    const { chunks, result } = await bench.read();
    assert.equal(textsOf(chunks, 'text').join(''), 'One two three');
    assert.equal(result.text, 'One two three');
  });

  test('stream', 'the result has the same content as that of generate()', async (bench) => {
    const script = { text: ['Hello, ', 'world'], finishReason: 'length' } as const;
    bench.answer('generate', script);
    bench.answer('stream', script);
    const whole = await bench.ask('generate');
    const { result } = await bench.read();
    assert.deepEqual(contentOf(result), contentOf(whole));
  });
}

export function testTools(test: AddProviderTest): void {
  const toolCalls = [
    { id: 'call_a', name: 'weather', args: ['{"city', '":"Par', 'is"}'] },
    { id: 'call_b', name: 'weather', args: ['{"city":', '"Oslo"}'] },
    { id: 'call_c', name: 'time', args: ['{}'] },
  ];
  const expected = [
    { id: 'call_a', name: 'weather', args: { city: 'Paris' } },
    { id: 'call_b', name: 'weather', args: { city: 'Oslo' } },
    { id: 'call_c', name: 'time', args: {} },
  ];

  for (const method of ANSWER_METHODS) {
    test(method, 'tool calls have ids, names and parsed arguments', async (bench) => {
      bench.answer(method, { toolCalls });
      const result = await bench.ask(method, { tools: TOOLS });
      assert.deepEqual(callsOf(result), expected);
      for (const { args, argsText } of result.toolCalls)
        assert.deepEqual(parsed(argsText), args, '`argsText` is the text of `args`.');
      assert.equal(result.finishReason, 'tool-calls');
      assert.deepEqual(
        result.message.toolCalls?.map(({ id }) => id),
        expected.map(({ id }) => id),
        'The message has the tool calls, to be sent back.',
      );
    });

    test(method, 'text before tool calls is kept', async (bench) => {
      bench.answer(method, { text: ['I will look.'], toolCalls });
      const result = await bench.ask(method, { tools: TOOLS });
      assert.equal(result.text, 'I will look.');
      assert.deepEqual(callsOf(result), expected);
    });
  }

  test(
    'stream',
    'the chunks of a tool call begin with id and name, and join to its arguments',
    async (bench) => {
      bench.answer('stream', { toolCalls });
      const { chunks } = await bench.read({ tools: TOOLS });
      const calls = new Map<
        number,
        { id: string | undefined; name: string | undefined; text: string }
      >();
      for (const chunk of chunks) {
        if (chunk.type !== 'tool-call') continue;
        const call = calls.get(chunk.index);
        if (call === undefined)
          calls.set(chunk.index, { id: chunk.id, name: chunk.name, text: chunk.argsDelta });
        else call.text += chunk.argsDelta;
      }
      assert.deepEqual(
        [...calls.entries()],
        toolCalls.map(({ id, name, args }, index) => [index, { id, name, text: args.join('') }]),
      );
    },
  );

  test(
    'stream',
    'arguments that are not JSON are kept as text, with an argsError',
    async (bench) => {
      const broken = [{ id: 'call_a', name: 'weather', args: ['{"city": ', 'Paris}'] }];
      bench.answer('stream', { toolCalls: broken });
      const { result } = await bench.read({ tools: TOOLS });
      const [call] = result.toolCalls;
      assert.equal(call?.argsText, '{"city": Paris}');
      assert.equal(call?.args, undefined);
      assert.equal(typeof call?.argsError, 'string');
    },
  );
}

export function testReasoning(test: AddProviderTest): void {
  test('stream', 'reasoning has chunks of its own, and is no part of the text', async (bench) => {
    bench.answer('stream', { reasoning: ['Let me ', 'think.'], text: ['42'] });
    const { chunks, result } = await bench.read();
    assert.equal(textsOf(chunks, 'reasoning').join(''), 'Let me think.');
    assert.equal(textsOf(chunks, 'text').join(''), '42');
    assert.equal(result.text, '42');
  });
}

export function testContextFree(test: AddProviderTest): void {
  test(
    'capabilities',
    'a context-free provider needs no asynchronous context between two pieces',
    async (bench) => {
      bench.answer('stream', { text: ['One ', 'two ', 'three'] });
      const reader = bench.reader();
      // A context of its own for each piece, without what the provider has entered.
      const next = () => AsyncLocalStorage.snapshot()(() => reader.next());
      const read: string[] = [];
      for (let item = await next(); item !== undefined; item = await next())
        if (isChunk(item) && item.type === 'text') read.push(item.text);
      assert.equal(read.join(''), 'One two three');
    },
  );
}

function messageOf({ message }: ProviderResult): object {
  const { role, content } = message;
  return { role, content };
}

export function usageOf({ usage }: Pick<ProviderResult, 'usage'>) {
  const { inputTokens, outputTokens, totalTokens, source } = usage;
  return { inputTokens, outputTokens, totalTokens, source };
}

function callsOf({ toolCalls }: ProviderResult): object[] {
  return toolCalls.map(({ id, name, args }) => ({ id, name, args }));
}

function contentOf(result: ProviderResult): object {
  const { text, finishReason, model } = result;
  return { text, finishReason, model, message: messageOf(result), usage: usageOf(result) };
}

/** The arguments in a text; an empty one stands for none. */
function parsed(text: string): unknown {
  return JSON.parse(text || '{}') as unknown;
}

function textsOf(chunks: readonly LlmChunk[], type: 'text' | 'reasoning'): string[] {
  return chunks.flatMap((chunk) => (chunk.type === type ? [chunk.text] : []));
}
