import {
  answeredBy,
  type Said,
  type WireError,
  type WireFormat,
  type WireUsage,
} from './wire-format.js';

const MODEL = 'gpt-4o-mini';
const ID = 'chatcmpl-1';

const frame = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`;
const DONE = 'data: [DONE]\n\n';

export function chunk(choice: object | undefined, rest: object = {}): string {
  const choices = choice ? [{ index: 0, finish_reason: null, ...choice }] : [];
  return frame({
    id: ID,
    object: 'chat.completion.chunk',
    created: 1,
    model: MODEL,
    choices,
    ...rest,
  });
}

const FINISH = {
  stop: 'stop',
  length: 'length',
  'tool-calls': 'tool_calls',
  'content-filter': 'content_filter',
};

export function chatUsage({ input, cacheRead = 0, output }: WireUsage): object {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cacheRead },
  };
}

function finishOf({ finish, toolCalls }: Said): string {
  return FINISH[finish ?? (toolCalls?.length ? 'tool-calls' : 'stop')];
}

function body({ text = '', toolCalls = [] }: Said): string[] {
  return [
    openai.opening,
    ...(text === '' ? [] : [openai.text(text)]),
    ...toolCalls.flatMap(({ id, name, argsText }, index) => [
      chunk({
        delta: { tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] },
      }),
      chunk({ delta: { tool_calls: [{ index, function: { arguments: argsText } }] } }),
    ]),
  ];
}

/** OpenAI's chat completions. */
export const openai: WireFormat = {
  name: 'openai',
  provider: 'openai',
  model: MODEL,
  rates: { input: 0.15, output: 0.6 },
  requestIdHeader: 'x-request-id',
  opening: chunk({ delta: { role: 'assistant', content: '' } }),
  malformed: 'data: {"id": oops\n\n',
  client: (origin) => ({
    provider: 'openai',
    model: MODEL,
    apiKey: 'test',
    baseURL: `${origin}/v1`,
    maxRetries: 0,
  }),
  answer(said) {
    const { text, model = MODEL, toolCalls = [], usage = { input: 10, output: 5 } } = said;
    const calls = toolCalls.map(({ id, name, argsText }) => ({
      id,
      type: 'function',
      function: { name, arguments: argsText },
    }));
    const message = {
      role: 'assistant',
      content: text ?? null,
      ...(calls.length > 0 && { tool_calls: calls }),
    };
    return {
      id: ID,
      object: 'chat.completion',
      created: 1,
      model,
      choices: [{ index: 0, message, finish_reason: finishOf(said) }],
      ...(usage && { usage: chatUsage(usage) }),
    };
  },
  stream(said) {
    const { usage = { input: 10, output: 5 } } = said;
    return [
      ...body(said),
      chunk({ delta: {}, finish_reason: finishOf(said) }),
      ...(usage ? [chunk(undefined, { usage: chatUsage(usage) })] : []),
      DONE,
    ].map((sent) => answeredBy(sent, MODEL, said));
  },
  streamWithoutEnd: (said) => body(said),
  text: (piece) => chunk({ delta: { content: piece } }),
  error: ({ type, code, message = 'It went wrong.' }: WireError) => ({
    error: { message, type, param: null, code: code ?? null },
  }),
  streamError: (error) => frame(openai.error(error)),
};
