import { describe, expect, it } from '@jest/globals';
import type Anthropic from '@anthropic-ai/sdk';
import type OpenAI from 'openai';
import {
  describeObserved,
  serveProvider,
  type MakeObserved,
  type ObservedCaller,
} from 'nestjs-llm-callbacks/testing';
import { runKit } from '../../support/kit-runner.js';
import { SCRIPTED } from '../../support/wire/scripted.js';
import { fetchInRealm, newAnthropic, newOpenAi } from '../../support/wire/sdk-clients.js';

const OPTIONS = { maxRetries: 0, fetch: fetchInRealm };

function openAiCaller(client: OpenAI, model: string): ObservedCaller {
  const asked = (content: string) => ({ model, messages: [{ role: 'user' as const, content }] });
  return {
    async generate(prompt, options) {
      const { choices } = await client.chat.completions.create(asked(prompt), options);
      return choices[0]!.message.content!;
    },
    async *stream(prompt, options) {
      const body = { ...asked(prompt), stream: true as const };
      for await (const { choices } of await client.chat.completions.create(body, options))
        if (choices[0]?.delta.content) yield choices[0].delta.content;
    },
  };
}

function anthropicCaller(client: Anthropic, model: string): ObservedCaller {
  const asked = (content: string) => ({
    model,
    max_tokens: 100,
    messages: [{ role: 'user' as const, content }],
  });
  return {
    async generate(prompt, options) {
      const { content } = await client.messages.create(asked(prompt), options);
      return content.map((block) => (block.type === 'text' ? block.text : '')).join('');
    },
    async *stream(prompt, options) {
      const body = { ...asked(prompt), stream: true as const };
      for await (const event of await client.messages.create(body, options))
        if (event.type === 'content_block_delta' && event.delta.type === 'text_delta')
          yield event.delta.text;
    },
  };
}

const observed: MakeObserved = ({ callbacks, url, model }) =>
  openAiCaller(callbacks.observe(newOpenAi(url, OPTIONS)), model);

describeObserved(observed, () => serveProvider(SCRIPTED.openai), {
  title: 'callbacks.observe() of a client of OpenAI',
  origin: 'openai',
});

describeObserved(
  ({ callbacks, url, model }) =>
    anthropicCaller(callbacks.observe(newAnthropic(url, OPTIONS)), model),
  () => serveProvider(SCRIPTED.anthropic),
  { title: 'callbacks.observe() of a client of Anthropic', origin: 'anthropic' },
);

describeObserved(
  ({ callbacks, url, model }) => {
    const fetch = callbacks.fetch({ fetch: fetchInRealm });
    return openAiCaller(newOpenAi(url, { ...OPTIONS, fetch }), model);
  },
  () => serveProvider(SCRIPTED.openai),
  { title: 'callbacks.fetch() below a client of OpenAI', origin: 'fetch' },
);

const run = (make: MakeObserved, only?: readonly string[]) =>
  runKit(
    (runner) =>
      describeObserved(make, () => serveProvider(SCRIPTED.openai), {
        origin: 'openai',
        timeoutMs: 250,
        runner,
      }),
    only,
  );

const BROKEN: [string, MakeObserved, string[]][] = [
  [
    'reports nothing',
    ({ url, model }) => openAiCaller(newOpenAi(url, OPTIONS), model),
    ['generate: ', 'stream: '],
  ],
];

describe('describeObserved', () => {
  it.each(BROKEN)('finds an adapter that %s', async (_, make, rules) => {
    const { titles, failures } = await run(make, rules);

    expect(titles.length).toBeGreaterThanOrEqual(rules.length);
    expect(failures.map(({ title }) => title)).toEqual(titles);
    for (const { error } of failures)
      expect(error.message).toMatch(/^ObservedCaller\.\w+: .*\n[^]*documented at ObservedCaller\./);
  });
});
