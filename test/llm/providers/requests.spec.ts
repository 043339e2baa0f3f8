import { describe, expect, it } from '@jest/globals';
import type { LlmCallOptions, Message } from 'nestjs-llm-callbacks';
import { anthropic } from '../../support/wire/anthropic.js';
import { ask, HELLO, METHODS, says, useBench, WIRES } from '../../support/wire/index.js';
import { openai } from '../../support/wire/openai.js';

const PIXEL = 'iVBORw0KGgo=';
const BYTES = new Uint8Array(Buffer.from(PIXEL, 'base64'));
const CACHE = { cache_control: { type: 'ephemeral' } };
const LOOKUP = {
  name: 'lookup',
  description: 'Looks a city up.',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
};

interface Row {
  what: string;
  input?: string | Message[];
  options?: LlmCallOptions;
  openai: object;
  anthropic: object;
}

const image = (address: object, source: object) => ({
  openai: { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: address }] }] },
  anthropic: { messages: [{ role: 'user', content: [{ type: 'image', source }] }] },
});

const ROWS: Row[] = [
  {
    what: 'a prompt',
    input: 'Hi',
    openai: { messages: [{ role: 'user', content: 'Hi' }] },
    anthropic: {
      max_tokens: 4_096,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
    },
  },
  {
    what: 'a system text',
    options: { system: 'Be brief.' },
    openai: {
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hi' },
      ],
    },
    anthropic: { system: [{ type: 'text', text: 'Be brief.' }] },
  },
  {
    what: 'system messages',
    input: [
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'Hi' },
    ],
    options: { system: 'Be brief.' },
    openai: {
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'Hi' },
      ],
    },
    anthropic: {
      system: [
        { type: 'text', text: 'Be brief.' },
        { type: 'text', text: 'Be kind.' },
      ],
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
    },
  },
  {
    what: 'an image by its address',
    input: [{ role: 'user', content: [{ type: 'image', url: 'https://example.com/a.png' }] }],
    ...image(
      { url: 'https://example.com/a.png' },
      { type: 'url', url: 'https://example.com/a.png' },
    ),
  },
  {
    what: 'an image in a data URL',
    input: [{ role: 'user', content: [{ type: 'image', url: `data:image/png;base64,${PIXEL}` }] }],
    ...image(
      { url: `data:image/png;base64,${PIXEL}` },
      { type: 'base64', media_type: 'image/png', data: PIXEL },
    ),
  },
  {
    what: 'an image as bytes',
    input: [{ role: 'user', content: [{ type: 'image', data: BYTES, mediaType: 'image/png' }] }],
    ...image(
      { url: `data:image/png;base64,${PIXEL}` },
      { type: 'base64', media_type: 'image/png', data: PIXEL },
    ),
  },
  {
    what: "a provider's options of parts",
    input: [{ role: 'user', content: [{ type: 'text', text: 'Hi', providerOptions: CACHE }] }],
    openai: { messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi', ...CACHE }] }] },
    anthropic: { messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi', ...CACHE }] }] },
  },
  {
    what: "a provider's options of the call, over everything else",
    options: {
      temperature: 0.5,
      providerOptions: { temperature: 0.1, metadata: { user_id: 'u1' } },
    },
    openai: { temperature: 0.1, metadata: { user_id: 'u1' } },
    anthropic: { temperature: 0.1, metadata: { user_id: 'u1' } },
  },
  {
    what: 'limits',
    options: { temperature: 0, maxOutputTokens: 7, stop: ['END', 'STOP'] },
    openai: { temperature: 0, max_tokens: 7, stop: ['END', 'STOP'] },
    anthropic: { temperature: 0, max_tokens: 7, stop_sequences: ['END', 'STOP'] },
  },
  {
    what: 'another model',
    options: { model: 'another' },
    openai: { model: 'another' },
    anthropic: { model: 'another' },
  },
  {
    what: 'tools',
    options: { tools: [LOOKUP, { name: 'now' }] },
    openai: {
      tools: [
        { type: 'function', function: LOOKUP },
        { type: 'function', function: { name: 'now' } },
      ],
    },
    anthropic: {
      tools: [
        { name: 'lookup', description: LOOKUP.description, input_schema: LOOKUP.parameters },
        { name: 'now', input_schema: { type: 'object', properties: {} } },
      ],
    },
  },
  ...(
    [
      ['auto', 'auto', { type: 'auto' }],
      ['none', 'none', { type: 'none' }],
      ['required', 'required', { type: 'any' }],
      [
        { name: 'lookup' },
        { type: 'function', function: { name: 'lookup' } },
        { type: 'tool', name: 'lookup' },
      ],
    ] as const
  ).map(([toolChoice, ofChat, ofMessages]): Row => ({
    what: `the tool choice ${JSON.stringify(toolChoice)}`,
    options: { tools: [LOOKUP], toolChoice },
    openai: { tool_choice: ofChat },
    anthropic: { tool_choice: ofMessages },
  })),
];

describe.each([openai, anthropic])('The request to $name', (wire) => {
  const bench = useBench(wire);

  it.each(ROWS)('has $what', async ({ input = 'Hi', options = {}, ...bodies }) => {
    bench.server.answers(says(wire, 'generate', HELLO));
    await bench.llm.generate(input, options);
    const { body } = bench.server.exchanges[0]!;
    expect(body).toMatchObject({ model: wire.model, ...bodies[wire.provider] });
    expect(body).not.toHaveProperty('stream');
  });
});

describe.each(WIRES)('The request to $name', (wire) => {
  const bench = useBench(wire);

  it.each(METHODS)('is the same by %s, except for the stream option', async (method) => {
    bench.server.answers(says(wire, 'generate', HELLO), says(wire, method, HELLO));
    const options: LlmCallOptions = { system: 'Be brief.', tools: [LOOKUP], maxOutputTokens: 5 };
    await bench.llm.generate('Hi', options);
    await ask(bench.llm, method, 'Hi', options);
    const [whole, streamed] = bench.server.exchanges.map(({ body }) => body);
    const forStream = {
      stream: true,
      ...(wire === openai && { stream_options: { include_usage: true } }),
    };
    expect(streamed).toEqual({ ...whole, ...(method === 'stream' && forStream) });
  });

  it('is not sent when a message is invalid', async () => {
    const strange = { type: 'video', url: 'https://example.com' } as unknown as {
      type: 'text';
      text: string;
    };
    for (const method of METHODS) {
      await expect(
        ask(bench.llm, method, [{ role: 'user', content: [strange] }]),
      ).rejects.toMatchObject({
        name: 'LlmInvalidRequestError',
        message: expect.stringContaining('"video"'),
      });
    }
    expect(bench.recording.events).toEqual([]);
    expect(bench.server.exchanges).toEqual([]);
  });
});

describe('The request to anthropic', () => {
  const bench = useBench(anthropic);

  it('fails before sending what its SDK rejects: a long answer that is not streamed', async () => {
    const error = {
      name: 'LlmInvalidRequestError',
      cause: { message: expect.stringContaining('Streaming is required') },
    };
    await expect(bench.llm.generate('Hi', { maxOutputTokens: 64_000 })).rejects.toMatchObject(
      error,
    );
    expect(bench.server.exchanges).toEqual([]);
  });
});

describe('A token estimate', () => {
  const bench = useBench(openai);

  it('includes the reasoning that is sent again', async () => {
    bench.server.answers(says(openai, 'generate', HELLO), says(openai, 'generate', HELLO));
    const answer: Message = { role: 'assistant', content: 'Hm.' };
    await bench.llm.generate([answer]);
    await bench.llm.generate([{ ...answer, providerData: { thought: 'x'.repeat(1_000) } }]);
    const [without, withThought] = bench.recording.of('llm.start').map(({ estimate }) => estimate);
    expect(withThought!.inputTokens - without!.inputTokens).toBeGreaterThan(1_000);
  });
});
