import { describe, expect, it } from '@jest/globals';
import type { FinishReason, Usage } from 'nestjs-llm-callbacks';
import { anthropic, frame } from '../../support/wire/anthropic.js';
import {
  ask,
  events,
  HELLO,
  json,
  METHODS,
  useBench,
  type Method,
} from '../../support/wire/index.js';
import { openai } from '../../support/wire/openai.js';

interface Row {
  what: string;
  sent: object;
  is: Partial<Usage>;
}

const NONE = {
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  reasoningTokens: 0,
  source: 'provider',
} as const;

const OPENAI_ROWS: Row[] = [
  {
    what: 'plain counts',
    sent: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
    is: { ...NONE, inputTokens: 100, outputTokens: 20, totalTokens: 120 },
  },
  {
    what: 'cached input, which its input counts too',
    sent: {
      prompt_tokens: 100,
      completion_tokens: 20,
      prompt_tokens_details: { cached_tokens: 64 },
    },
    is: { ...NONE, inputTokens: 100, cachedInputTokens: 64, outputTokens: 20, totalTokens: 120 },
  },
  {
    what: 'reasoning, which its output counts too',
    sent: {
      prompt_tokens: 100,
      completion_tokens: 20,
      completion_tokens_details: { reasoning_tokens: 16 },
    },
    is: { ...NONE, inputTokens: 100, outputTokens: 20, reasoningTokens: 16, totalTokens: 120 },
  },
  {
    what: 'written cache',
    sent: {
      prompt_tokens: 100,
      completion_tokens: 20,
      prompt_tokens_details: { cached_tokens: 30, cache_write_tokens: 40 },
    },
    is: {
      ...NONE,
      inputTokens: 100,
      cachedInputTokens: 30,
      cacheWriteTokens: 40,
      totalTokens: 120,
    },
  },
  {
    what: 'what is null by an estimate, and ignores nonsense',
    sent: {
      prompt_tokens: 100,
      completion_tokens: null,
      prompt_tokens_details: { cached_tokens: -1 },
      completion_tokens_details: null,
    },
    is: { ...NONE, inputTokens: 100, outputTokens: 2, totalTokens: 102, source: 'estimated' },
  },
];

const ANTHROPIC_ROWS: Row[] = [
  {
    what: 'plain counts',
    sent: { input_tokens: 100, output_tokens: 20 },
    is: { ...NONE, inputTokens: 100, outputTokens: 20, totalTokens: 120 },
  },
  {
    what: 'cached input, which its input leaves out',
    sent: { input_tokens: 36, cache_read_input_tokens: 64, output_tokens: 20 },
    is: { ...NONE, inputTokens: 100, cachedInputTokens: 64, outputTokens: 20, totalTokens: 120 },
  },
  {
    what: 'written cache, which its input leaves out',
    sent: {
      input_tokens: 30,
      cache_read_input_tokens: 30,
      cache_creation_input_tokens: 40,
      output_tokens: 20,
    },
    is: {
      ...NONE,
      inputTokens: 100,
      cachedInputTokens: 30,
      cacheWriteTokens: 40,
      totalTokens: 120,
    },
  },
  {
    what: 'nulls for nothing',
    sent: {
      input_tokens: 100,
      cache_read_input_tokens: null,
      cache_creation_input_tokens: null,
      output_tokens: 20,
    },
    is: { ...NONE, inputTokens: 100, outputTokens: 20, totalTokens: 120 },
  },
];

const OPENAI_FINISH: [string | null, FinishReason][] = [
  ['stop', 'stop'],
  ['length', 'length'],
  ['tool_calls', 'tool-calls'],
  ['function_call', 'tool-calls'],
  ['content_filter', 'content-filter'],
  ['a_new_one', 'other'],
];

const ANTHROPIC_FINISH: [string | null, FinishReason][] = [
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool-calls'],
  ['refusal', 'content-filter'],
  ['pause_turn', 'paused'],
  ['a_new_one', 'other'],
];

const frameOf = (data: object) =>
  `data: ${JSON.stringify({ id: '1', model: openai.model, ...data })}\n\n`;

/** An openai answer with the given usage and finish reason. */
function chat(method: Method, usage: object, reason: string | null = 'stop') {
  if (method === 'stream') {
    return events(
      openai.opening,
      openai.text('Hello'),
      frameOf({ choices: [{ index: 0, delta: {}, finish_reason: reason }] }),
      frameOf({ choices: [], usage }),
      'data: [DONE]\n\n',
    );
  }
  const choice = { index: 0, message: { role: 'assistant', content: 'Hello' } };
  return json({
    ...openai.answer({}),
    choices: [{ ...choice, finish_reason: reason }],
    usage,
  });
}

/** An anthropic answer with the given usage and finish reason. */
function message(method: Method, usage: object, reason: string | null = 'end_turn') {
  const whole = { ...anthropic.answer({ text: 'Hello' }), usage, stop_reason: reason };
  if (method === 'generate') return json(whole);
  const { output_tokens } = usage as { output_tokens: number };
  const start = { type: 'message_start', message: { ...whole, content: [], stop_reason: null } };
  const delta = { type: 'message_delta', delta: { stop_reason: reason }, usage: { output_tokens } };
  return events(
    frame(start),
    ...anthropic.stream({ text: 'Hello' }).slice(1, -2),
    frame(delta),
    frame({ type: 'message_stop' }),
  );
}

describe.each(METHODS)('By %s, an answer of', (method) => {
  describe('openai', () => {
    const bench = useBench(openai);
    it.each(OPENAI_ROWS)('counts $what', async ({ sent, is }) => {
      bench.server.answers(chat(method, sent));
      expect((await ask(bench.llm, method)).usage).toMatchObject(is);
    });
    it.each(OPENAI_FINISH)('that ends with %s has the finish reason "%s"', async (reason, is) => {
      bench.server.answers(chat(method, { prompt_tokens: 1 }, reason));
      expect((await ask(bench.llm, method)).finishReason).toBe(is);
    });
  });

  describe('anthropic', () => {
    const bench = useBench(anthropic);
    it.each(ANTHROPIC_ROWS)('counts $what', async ({ sent, is }) => {
      bench.server.answers(message(method, sent));
      expect((await ask(bench.llm, method)).usage).toMatchObject(is);
    });
    it.each(ANTHROPIC_FINISH)(
      'that ends with %s has the finish reason "%s"',
      async (reason, is) => {
        bench.server.answers(message(method, { input_tokens: 1, output_tokens: 1 }, reason));
        expect((await ask(bench.llm, method)).finishReason).toBe(is);
      },
    );
  });
});

describe('A stream of anthropic', () => {
  const bench = useBench(anthropic);
  it('reports the usage of its last event, which overrides the first one', async () => {
    const usage = { input_tokens: 700, cache_read_input_tokens: 200, output_tokens: 50 };
    bench.server.answers(
      events(
        ...anthropic.stream(HELLO).slice(0, -2),
        frame({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage } as never),
        frame({ type: 'message_stop' }),
      ),
    );
    expect((await ask(bench.llm, 'stream')).usage).toMatchObject({
      inputTokens: 900,
      cachedInputTokens: 200,
      outputTokens: 50,
    });
  });
});
