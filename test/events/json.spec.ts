import { afterEach, describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import OpenAI from 'openai';
import { LlmRateLimitError, type CallbackEvent } from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { toSafeJson } from '../../src/events/serialize.js';
import { closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

describe('The JSON of an event', () => {
  it('is versioned, complete, and survives JSON.stringify', async () => {
    const recording = new RecordingCallbacks();
    const error = new LlmRateLimitError('slow down', {
      status: 429,
      retryAfterMs: 5,
      cause: new Error('secret'),
    });
    const { llm } = await startApp(
      {},
      { callbacks: [recording], llm: { provider: new Failing(error), model: 'fake' } },
    );
    const image = {
      type: 'image' as const,
      data: new Uint8Array([1, 2, 3]),
      mediaType: 'image/png',
    };
    const messages = [
      { role: 'user' as const, content: [{ type: 'text' as const, text: 'what is this?' }, image] },
    ];
    await llm
      .generate(messages, { userId: 'ada', metadata: { big: 7n }, temperature: 0 })
      .catch(() => undefined);
    const [start, failed] = recording.events.map(
      (event) => JSON.parse(JSON.stringify(event)) as CallbackEvent,
    );
    expect(start).toEqual({
      v: 1,
      type: 'llm.start',
      eventId: `${start?.runId}:0`,
      runId: expect.any(String),
      rootRunId: start?.runId,
      requestId: expect.any(String),
      traceId: expect.any(String),
      userId: 'ada',
      scope: 'default',
      scopes: ['default'],
      tags: [],
      metadata: { big: '7' },
      timestamp: expect.any(Number),
      provider: 'fake',
      model: 'fake',
      origin: 'own',
      observed: false,
      prompt: 'what is this?',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'what is this?' },
            { type: 'image', data: { bytes: 3, mediaType: 'image/png' }, mediaType: 'image/png' },
          ],
        },
      ],
      tools: [],
      parameters: { temperature: 0 },
      streaming: false,
      estimate: { inputTokens: expect.any(Number), maxCost: null },
    });
    const json = {
      name: 'LlmRateLimitError',
      code: 'rate_limit',
      message: 'slow down',
      retryable: true,
      status: 429,
    };
    expect(failed).toMatchObject({ type: 'llm.error', error: json, attempts: [{ error: json }] });
    expect(JSON.stringify(failed)).not.toContain('secret');
  });

  it('is printed by console.log', async () => {
    const recording = new RecordingCallbacks();
    const { llm } = await startApp({}, { callbacks: [recording] });
    await llm.generate('hi');
    expect(inspect(recording.events[1])).toContain("finishReason: 'stop'");
  });

  class Failing extends FakeLlm {
    constructor(private readonly error: Error) {
      super();
    }
    override generate() {
      return Promise.reject(this.error);
    }
  }
});

describe('Safe JSON', () => {
  it('cuts cycles, and keeps shared values', () => {
    const shared = { a: 1 };
    const cycle: Record<string, unknown> = { shared, again: shared };
    cycle['self'] = cycle;
    expect(toSafeJson(cycle)).toEqual({ shared: { a: 1 }, again: { a: 1 }, self: '[Circular]' });
  });

  it('omits clients, functions, signals and the `raw` of answers', () => {
    const client = new OpenAI({ apiKey: 'sk-secret', baseURL: 'http://127.0.0.1:1' });
    const live = {
      client,
      run: () => 1,
      signal: new AbortController().signal,
      answer: { finishReason: 'stop', raw: {} },
      found: { raw: 'milk' },
    };
    expect(toSafeJson(live)).toEqual({
      answer: { finishReason: 'stop' },
      found: { raw: 'milk' },
    });
  });

  it('serializes dates, maps, sets, numbers that JSON lacks, and dangerous keys', () => {
    const value = JSON.parse('{"__proto__": {"polluted": true}}') as object;
    expect(
      toSafeJson([
        new Date(0),
        new Map([['a', 1n]]),
        new Set([1]),
        Number.NaN,
        new URL('http://a/'),
        value,
      ]),
    ).toEqual(['1970-01-01T00:00:00.000Z', { a: '1' }, [1], 'NaN', 'http://a/', value]);
    expect(Object.keys(toSafeJson(value) as object)).toEqual(['__proto__']);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});
