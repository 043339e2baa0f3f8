import Anthropic from '@anthropic-ai/sdk';
import { CallbacksModule, CostTracker, LlmService, TokenCounter } from 'nestjs-llm-callbacks';
import type { CallbacksModuleOptions, LlmResponse } from 'nestjs-llm-callbacks';
import { Test } from '@nestjs/testing';
import OpenAI, { AzureOpenAI } from 'openai';
import { willClose } from './app.js';
import { testLogger } from './logs.js';
import type { Method } from './wire/index.js';

export type Api = 'chat' | 'azure' | 'responses' | 'anthropic';

/** Where a chat server puts the usage of an answer; `'each'`: into each chunk of a stream. */
export type Place = 'usage' | 'choice' | 'x_groq' | 'message' | 'each';

/** An answer with a usage: a text, a tool call, or neither. */
export interface UsageAnswer {
  readonly usage: unknown;
  readonly place?: Place | undefined;
  readonly says?: 'text' | 'call' | 'nothing';
  /** Anthropic: the usage of `message_start` and `message_delta`, instead of `usage`. */
  readonly start?: unknown;
  readonly delta?: unknown;
}

export const MODEL = 'house-7';
export const TEXT = 'A plain answer of some words.';
const CALL = { name: 'tag_tray', arguments: JSON.stringify({ tray: 'tray '.repeat(60) }) };

/** US dollars per million tokens; one-hour cache writes cost twice the input. */
export const PRICE = {
  inputPerMillion: 1,
  outputPerMillion: 10,
  cachedInputPerMillion: 0.1,
  cacheWritePerMillion: 1.25,
};

const SSE = { 'content-type': 'text/event-stream' };
const frame = (data: object) => `data: ${JSON.stringify(data)}\n\n`;
const named = (data: { type: string }) => `event: ${data.type}\n${frame(data)}`;

/** The bytes of an answer. */
export function bodyOf(api: Api, method: Method, answer: UsageAnswer): string {
  const forms = FORMS[api === 'azure' ? 'chat' : api];
  return forms[method](answer);
}

interface Form {
  generate(answer: UsageAnswer): string;
  stream(answer: UsageAnswer): string;
}

const FORMS: Record<Exclude<Api, 'azure'>, Form> = {
  chat: { generate: chatWhole, stream: chatStream },
  responses: { generate: responsesWhole, stream: responsesStream },
  anthropic: { generate: messageWhole, stream: messageStream },
};

function chatMessage(says: UsageAnswer['says']): object {
  if (says === 'nothing') return { role: 'assistant', content: '' };
  if (says !== 'call') return { role: 'assistant', content: TEXT };
  const tool_calls = [{ index: 0, id: 'c-1', type: 'function', function: CALL }];
  return { role: 'assistant', content: null, tool_calls };
}

function chatWhole({ usage, place = 'usage', says }: UsageAnswer): string {
  const message = { ...chatMessage(says), ...(place === 'message' && { usage }) };
  const finish_reason = says === 'call' ? 'tool_calls' : 'stop';
  return JSON.stringify({
    id: '1',
    object: 'chat.completion',
    model: MODEL,
    choices: [{ index: 0, message, finish_reason, ...(place === 'choice' && { usage }) }],
    ...(place === 'x_groq' && { x_groq: { id: 'r', usage } }),
    ...((place === 'usage' || place === 'each') && { usage }),
  });
}

function chatStream({ usage, place = 'usage', says }: UsageAnswer): string {
  const head = { id: '1', object: 'chat.completion.chunk', model: MODEL };
  const beside = place === 'each' ? { usage } : {};
  const delta = place === 'message' ? { usage } : {};
  const finish = {
    index: 0,
    delta,
    finish_reason: says === 'call' ? 'tool_calls' : 'stop',
    ...(place === 'choice' && { usage }),
  };
  return [
    frame({ ...head, choices: [{ index: 0, delta: chatMessage(says) }], ...beside }),
    frame({
      ...head,
      choices: [finish],
      ...beside,
      ...(place === 'x_groq' && { x_groq: { usage } }),
    }),
    ...(place === 'usage' ? [frame({ ...head, choices: [], usage })] : []),
    'data: [DONE]\n\n',
  ].join('');
}

function responseOf({ usage, says }: UsageAnswer): object {
  const content = [{ type: 'output_text', text: TEXT, annotations: [] }];
  const text = { type: 'message', id: 'm', role: 'assistant', status: 'completed', content };
  const call = { type: 'function_call', id: 'f', call_id: 'c-1', status: 'completed', ...CALL };
  const output = says === 'nothing' ? [] : [says === 'call' ? call : text];
  return { id: 'r', object: 'response', model: MODEL, status: 'completed', output, usage };
}

function responsesWhole(answer: UsageAnswer): string {
  return JSON.stringify(responseOf(answer));
}

function responsesStream(answer: UsageAnswer): string {
  const response = responseOf(answer);
  const created = { ...response, status: 'in_progress', output: [], usage: null };
  return [
    named({ type: 'response.created', response: created } as never),
    ...(answer.says === undefined
      ? [named({ type: 'response.output_text.delta', output_index: 0, delta: TEXT } as never)]
      : []),
    named({ type: 'response.completed', response } as never),
  ].join('');
}

function messageOf({ usage, says }: UsageAnswer): object {
  const { name, arguments: args } = CALL;
  const call = { type: 'tool_use', id: 'c-1', name, input: JSON.parse(args) as object };
  const content = says === 'nothing' ? [] : [says === 'call' ? call : { type: 'text', text: TEXT }];
  const stop_reason = says === 'call' ? 'tool_use' : 'end_turn';
  return { id: '1', type: 'message', role: 'assistant', model: MODEL, content, stop_reason, usage };
}

function messageWhole(answer: UsageAnswer): string {
  return JSON.stringify(messageOf(answer));
}

function messageStream(answer: UsageAnswer): string {
  const { usage, start = usage, delta = usage, says } = answer;
  const { content, stop_reason, ...message } = messageOf(answer) as {
    content: object[];
    stop_reason: string;
  };
  const args = { type: 'input_json_delta', partial_json: CALL.arguments };
  const text = { type: 'text_delta', text: TEXT };
  const empty = says === 'call' ? { input: {} } : { text: '' };
  const blocks = content.flatMap((block) => [
    { type: 'content_block_start', index: 0, content_block: { ...block, ...empty } },
    { type: 'content_block_delta', index: 0, delta: says === 'call' ? args : text },
    { type: 'content_block_stop', index: 0 },
  ]);
  const opening = { ...message, content: [], stop_reason: null, usage: start };
  return [
    { type: 'message_start', message: opening },
    ...blocks,
    { type: 'message_delta', delta: { stop_reason }, usage: delta },
    { type: 'message_stop' },
  ]
    .map(named)
    .join('');
}

/** An application with a real SDK, whose `fetch` returns answers in place of a server. */
export class UsageApp {
  #body = '';

  private constructor(readonly api: Api) {}

  static async start(api: Api, options: Partial<CallbacksModuleOptions> = {}): Promise<UsageApp> {
    const app = new UsageApp(api);
    const module = await Test.createTestingModule({
      imports: [
        CallbacksModule.forRoot({
          llm: {
            provider: api === 'anthropic' ? 'anthropic' : 'openai',
            ...(api === 'responses' && { api }),
            label: 'house',
            model: MODEL,
            client: app.#client(),
          },
          prices: { [MODEL]: PRICE },
          ...options,
        }),
      ],
      providers: [CostTracker, TokenCounter],
    })
      .setLogger(testLogger)
      .compile();
    await willClose(module).init();
    app.llm = module.get(LlmService);
    app.costs = module.get(CostTracker);
    app.tokens = module.get(TokenCounter);
    return app;
  }

  llm!: LlmService;
  costs!: CostTracker;
  tokens!: TokenCounter;

  /** The result of a call that receives this answer. */
  async ask(method: Method, answer: UsageAnswer): Promise<LlmResponse> {
    this.#body = bodyOf(this.api, method, answer);
    if (method === 'generate') return this.llm.generate('How are the trays?');
    return this.llm.stream('How are the trays?').response;
  }

  /** Answers the following requests with these bytes. */
  answers(body: string): void {
    this.#body = body;
  }

  #client(): object {
    const fetch = async () => {
      const isStream = /^(?:data|event):/.test(this.#body);
      const headers = isStream ? SSE : { 'content-type': 'application/json' };
      return new Response(this.#body, { headers });
    };
    const options = { apiKey: 'k', fetch, maxRetries: 0 };
    if (this.api === 'anthropic') return new Anthropic(options);
    if (this.api !== 'azure') return new OpenAI(options);
    const endpoint = 'https://house.openai.azure.com';
    return new AzureOpenAI({ ...options, endpoint, apiVersion: '2025-04-01-preview' });
  }
}
