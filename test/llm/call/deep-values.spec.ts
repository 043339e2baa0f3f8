import { afterEach, describe, expect, it } from '@jest/globals';
import {
  CallbacksConfigurationError,
  LlmError,
  SchemaValidationError,
  type Message,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import OpenAI from 'openai';
import * as z from 'zod';
import { always, closeApps, startApp } from '../../support/app.js';
import { doubled, nested } from '../../support/deep.js';

afterEach(closeApps);

const Tree: z.ZodType = z.object({ in: z.lazy(() => Tree).optional() });

describe('An answer nested too deep for its schema', () => {
  it.each<[string, z.ZodType | Record<string, unknown>]>([
    ['recursive zod', Tree],
    ['JSON Schema', { type: 'object', properties: { in: { $ref: '#' } } }],
  ])('does not match %s, like any other mismatch', async (_, schema) => {
    const text = `${'{"in":'.repeat(50_000)}{}${'}'.repeat(50_000)}`;
    const { llm } = await startApp({}, { answers: always(text) });
    const failure = await llm.generate('go', { schema }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SchemaValidationError);
    expect(failure).toMatchObject({ issues: 'the value is too large or too deep to be checked' });
    const stream = llm.stream('go', { schema });
    await expect(stream.response).rejects.toThrow(SchemaValidationError);
  });
});

describe('An LLM request', () => {
  it('with cyclic or too deep tools is rejected as an error of the application', async () => {
    const { llm, fake } = await startApp();
    const self: Record<string, unknown> = { type: 'object' };
    self['properties'] = { self };
    for (const parameters of [self, { type: 'object', const: nested(9_000) }]) {
      const asking = llm.generate('go', { tools: [{ name: 'look', parameters }] });
      await expect(asking).rejects.toThrow(CallbacksConfigurationError);
      await expect(asking).rejects.toThrow('The parameters of the tool "look" cannot be sent');
    }
    expect(fake.requests).toEqual([]);
  });

  it('with deep opaque data is estimated within bounds', async () => {
    const recording = new RecordingCallbacks();
    const { llm } = await startApp({}, { callbacks: [recording] });
    for (const providerData of [nested(10_000), doubled(60)]) {
      const turn: Message = { role: 'assistant', content: 'x', providerData };
      await llm.generate([{ role: 'user', content: 'hi' }, turn, { role: 'user', content: 'go' }]);
      const { estimate } = recording.of('llm.start').at(-1)!;
      expect(estimate.inputTokens).toBeGreaterThan(500);
      expect(estimate.inputTokens).toBeLessThan(1_000_000);
    }
  });

  it('that its SDK cannot serialize fails with an LlmError', async () => {
    const client = new OpenAI({
      apiKey: 'sk-test',
      maxRetries: 0,
      fetch: () => Promise.reject(new Error('not sent')),
    });
    const { llm } = await startApp({}, { llm: { provider: 'openai', client, model: 'house-7' } });
    const asking = llm.generate('go', { providerOptions: { metadata: nested(100_000) } });
    await expect(asking).rejects.toThrow(LlmError);
  });
});
