import { MessageStream } from '@anthropic-ai/sdk/lib/MessageStream';
import type Anthropic from '@anthropic-ai/sdk';
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import { ChatCompletionStream } from 'openai/lib/ChatCompletionStream';
import type OpenAI from 'openai';
import * as z from 'zod';
import { anthropic } from '../support/wire/anthropic.js';
import { says } from '../support/wire/calls.js';
import { openai } from '../support/wire/openai.js';
import { responses } from '../support/wire/responses.js';
import { cutStream, events, json, stalled } from '../support/wire/serve.js';
import type { Serve } from '../support/wire/server.js';
import { HELLO, type WireFormat } from '../support/wire/wire-format.js';

/** What the scenarios use of the clients. */
export type HelperClient = Pick<OpenAI, 'chat' | 'responses'> &
  Pick<Anthropic, 'messages' | 'beta'>;

/** What a helper of an SDK does with its answers. */
export interface HelperScenario {
  readonly name: string;
  readonly answers: () => readonly Serve[];
  readonly act: (client: HelperClient, got: unknown[]) => Promise<unknown>;
  readonly fails?: boolean;
  /** Whether the answer has no end, so that the reader must have left. */
  readonly hasNoEnd?: boolean;
}

const CALL = { id: 'call_1', name: 'lookup', argsText: '{"id":"7"}' };
const Answer = z.object({ id: z.string() });
const PARSED = { text: '{"id":"7"}', usage: { input: 3, output: 2 } };

const streamed = (wire: WireFormat) => [says(wire, 'stream', HELLO)];
const refused = (wire: WireFormat) => [
  json(wire.error({ type: 'invalid_request_error' }), 400, { 'x-request-id': 'req_1' }),
];
const open = (wire: WireFormat) => [stalled(wire.opening, wire.text('one'))];
const broken = (wire: WireFormat) => [
  events(wire.opening, wire.text('one'), wire.streamError({ type: 'overloaded_error' })),
];
const malformed = (wire: WireFormat) => [events(wire.opening, wire.malformed)];
const lost = (wire: WireFormat) => [cutStream(wire.opening)];

async function textOf(stream: ReadableStream): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of stream as unknown as AsyncIterable<Uint8Array>)
    text += decoder.decode(piece, { stream: true });
  return text;
}

/** An emitter of events. */
interface Emitter {
  on(event: string, listener: (...given: unknown[]) => void): unknown;
}

/** Notes what an emitter emits. */
function noted<E>(emitter: E, names: readonly string[], got: unknown[]): E {
  for (const name of names)
    (emitter as Emitter).on(name, (...given) => void got.push([name, given.length, given[0]]));
  return emitter;
}

/** The faults that reach the reader of a stream by its helper. */
function faults(
  wire: WireFormat,
  final: (client: HelperClient) => Promise<unknown>,
  errorEventFails = true,
): HelperScenario[] {
  const act: HelperScenario['act'] = async (client, got) => got.push(await final(client));
  const fails = true;
  return [
    { name: 'a refused stream', answers: () => refused(wire), act, fails },
    { name: 'an error event', answers: () => broken(wire), act, fails: errorEventFails },
    { name: 'an event that is not JSON', answers: () => malformed(wire), act, fails },
    { name: 'a lost connection', answers: () => lost(wire), act, fails },
  ];
}

const MESSAGES = [{ role: 'user' as const, content: 'Hi' }];
const CHAT = { model: openai.model, messages: MESSAGES };
const CHAT_EVENTS = ['connect', 'chunk', 'content', 'message', 'finalContent', 'end'];
const runner = (got: unknown[]) => ({
  ...CHAT,
  tools: [
    {
      type: 'function' as const,
      function: {
        name: 'lookup',
        description: 'Looks up.',
        parameters: { type: 'object', properties: { id: { type: 'string' } } },
        parse: JSON.parse,
        function: (given: unknown) => {
          got.push(['called with', given]);
          return 'found';
        },
      },
    },
  ],
});

export const OPENAI_HELPERS: readonly HelperScenario[] = [
  {
    name: 'stream(), its events and its final values',
    answers: () => streamed(openai),
    async act({ chat }, got) {
      const stream = noted(chat.completions.stream(CHAT), CHAT_EVENTS, got);
      got.push(await stream.finalChatCompletion(), await stream.finalContent());
      got.push(await stream.finalMessage(), await stream.totalUsage(), stream.messages);
    },
  },
  {
    name: 'stream() that its caller aborts',
    answers: () => open(openai),
    async act({ chat }, got) {
      const stream = chat.completions.stream(CHAT);
      stream.on('content', () => stream.abort());
      got.push(await stream.finalContent());
    },
    fails: true,
    hasNoEnd: true,
  },
  {
    name: 'stream() that its reader leaves',
    answers: () => open(openai),
    async act({ chat }, got) {
      for await (const { choices } of chat.completions.stream(CHAT)) {
        got.push(choices);
        if (choices[0]?.delta.content === 'one') break;
      }
    },
    hasNoEnd: true,
  },
  ...faults(openai, ({ chat }) => chat.completions.stream(CHAT).finalChatCompletion()),
  {
    name: 'toReadableStream() and fromReadableStream()',
    answers: () => [...streamed(openai), ...streamed(openai)],
    async act({ chat }, got) {
      const body = { ...CHAT, stream: true as const };
      got.push(await textOf((await chat.completions.create(body)).toReadableStream()));
      const piped = (await chat.completions.create(body)).toReadableStream();
      got.push(await ChatCompletionStream.fromReadableStream(piped).finalContent());
    },
  },
  {
    name: 'tee()',
    answers: () => streamed(openai),
    async act({ chat }, got) {
      const stream = await chat.completions.create({ ...CHAT, stream: true });
      for (const half of stream.tee()) for await (const chunk of half) got.push(chunk);
    },
  },
  {
    name: 'parse()',
    answers: () => [says(openai, 'generate', PARSED)],
    async act({ chat }, got) {
      const response_format = zodResponseFormat(Answer, 'answer');
      const parsed = await chat.completions.parse({ ...CHAT, response_format });
      got.push(parsed, parsed.choices[0]?.message.parsed);
    },
  },
  {
    name: 'parse() of an answer without the schema',
    answers: () => [says(openai, 'generate', HELLO)],
    act: async ({ chat }) =>
      chat.completions.parse({ ...CHAT, response_format: zodResponseFormat(Answer, 'answer') }),
    fails: true,
  },
  {
    name: 'runTools()',
    answers: () => [
      says(openai, 'generate', { toolCalls: [CALL] }),
      says(openai, 'generate', HELLO),
    ],
    async act({ chat }, got) {
      const run = noted(chat.completions.runTools(runner(got)), ['message', 'content'], got);
      got.push(await run.finalContent(), run.messages, await run.totalUsage());
    },
  },
  {
    name: 'runTools() of streams',
    answers: () => [says(openai, 'stream', { toolCalls: [CALL] }), says(openai, 'stream', HELLO)],
    async act({ chat }, got) {
      const run = chat.completions.runTools({ ...runner(got), stream: true });
      for await (const chunk of run) got.push(chunk);
      got.push(await run.finalContent());
    },
  },
];

const ASK = { model: responses.model, input: 'Hi' };

export const RESPONSES_HELPERS: readonly HelperScenario[] = [
  {
    name: 'stream() and its final response',
    answers: () => streamed(responses),
    async act({ responses: api }, got) {
      const stream = noted(api.stream(ASK), ['response.output_text.delta', 'end'], got);
      for await (const event of stream) got.push(event);
      got.push(await stream.finalResponse());
    },
  },
  {
    name: 'stream() that its caller aborts',
    answers: () => open(responses),
    async act({ responses: api }, got) {
      const stream = api.stream(ASK);
      stream.on('response.output_text.delta', () => stream.abort());
      got.push(await stream.finalResponse());
    },
    fails: true,
    hasNoEnd: true,
  },
  ...faults(responses, ({ responses: api }) => api.stream(ASK).finalResponse()),
  {
    name: 'parse()',
    answers: () => [says(responses, 'generate', PARSED)],
    async act({ responses: api }, got) {
      const parsed = await api.parse({ ...ASK, text: { format: zodTextFormat(Answer, 'answer') } });
      got.push(parsed, parsed.output_parsed);
    },
  },
  {
    name: 'tee() and toReadableStream()',
    answers: () => streamed(responses),
    async act({ responses: api }, got) {
      const [left, right] = (await api.create({ ...ASK, stream: true })).tee();
      for await (const event of left) got.push(event);
      got.push(await textOf(right.toReadableStream()));
    },
  },
];

const MESSAGE = { model: anthropic.model, max_tokens: 100, messages: MESSAGES };
const MESSAGE_EVENTS = ['connect', 'streamEvent', 'text', 'message', 'finalMessage', 'end'];
const tool = (got: unknown[]) => ({
  name: 'lookup',
  description: 'Looks up.',
  input_schema: { type: 'object' as const },
  type: 'custom' as const,
  parse: (given: unknown) => given,
  run: async (given: unknown) => {
    got.push(['called with', given]);
    return 'found';
  },
});

export const ANTHROPIC_HELPERS: readonly HelperScenario[] = [
  {
    name: 'messages.stream(), its events and its final values',
    answers: () => streamed(anthropic),
    async act({ messages }, got) {
      const stream = noted(messages.stream(MESSAGE), MESSAGE_EVENTS, got);
      got.push(await stream.finalMessage(), await stream.finalText(), stream.messages);
    },
  },
  {
    name: 'beta.messages.stream()',
    answers: () => streamed(anthropic),
    async act({ beta }, got) {
      const stream = beta.messages.stream(MESSAGE);
      for await (const event of stream) got.push(event);
      got.push(await stream.finalMessage());
    },
  },
  {
    name: 'messages.stream() with its response',
    answers: () => streamed(anthropic),
    async act({ messages }, got) {
      const { data, response } = await messages.stream(MESSAGE).withResponse();
      got.push(response.status, await data.finalText());
    },
  },
  {
    name: 'messages.stream() that its caller aborts',
    answers: () => open(anthropic),
    async act({ messages }, got) {
      const stream = messages.stream(MESSAGE);
      stream.on('text', () => stream.abort());
      got.push(await stream.finalMessage());
    },
    fails: true,
    hasNoEnd: true,
  },
  {
    name: 'messages.stream() that its reader leaves',
    answers: () => open(anthropic),
    async act({ messages }, got) {
      for await (const event of messages.stream(MESSAGE)) {
        got.push(event);
        if (event.type === 'content_block_delta') break;
      }
    },
    hasNoEnd: true,
  },
  ...faults(anthropic, ({ messages }) => messages.stream(MESSAGE).finalMessage()),
  {
    name: 'toReadableStream() and fromReadableStream()',
    answers: () => [...streamed(anthropic), ...streamed(anthropic)],
    async act({ messages }, got) {
      const body = { ...MESSAGE, stream: true as const };
      got.push(await textOf((await messages.create(body)).toReadableStream()));
      const piped = messages.stream(MESSAGE).toReadableStream();
      got.push(await MessageStream.fromReadableStream(piped).finalText());
    },
  },
  {
    name: 'tee()',
    answers: () => streamed(anthropic),
    async act({ messages }, got) {
      const stream = await messages.create({ ...MESSAGE, stream: true });
      for (const half of stream.tee()) for await (const event of half) got.push(event);
    },
  },
  {
    name: 'beta.messages.toolRunner()',
    answers: () => [
      says(anthropic, 'generate', { toolCalls: [CALL] }),
      says(anthropic, 'generate', HELLO),
    ],
    async act({ beta }, got) {
      const run = beta.messages.toolRunner({ ...MESSAGE, tools: [tool(got)] });
      for await (const message of run) got.push(message);
      got.push(await run.done());
    },
  },
  {
    name: 'beta.messages.toolRunner() of streams',
    answers: () => [
      says(anthropic, 'stream', { toolCalls: [CALL] }),
      says(anthropic, 'stream', HELLO),
    ],
    async act({ beta }, got) {
      const run = beta.messages.toolRunner({ ...MESSAGE, tools: [tool(got)], stream: true });
      for await (const stream of run) for await (const event of stream) got.push(event);
    },
  },
];
