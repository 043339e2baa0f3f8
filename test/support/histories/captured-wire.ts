import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import type { LlmOptions } from 'nestjs-llm-callbacks';
import {
  anthropicViolations,
  chatViolations,
  responsesViolations,
  type OpenAiRules,
} from '../wire-rules/index.js';

/** The API of a wire. */
export type Api = 'chat' | 'responses' | 'anthropic';

interface Host {
  readonly name: string;
  readonly api: Api;
  readonly baseURL: string;
  readonly label?: string;
  readonly rules?: OpenAiRules;
}

/** The hosts that histories are sent to, and their rules for ids of calls. */
export const HOSTS: readonly Host[] = [
  {
    name: 'chat',
    api: 'chat',
    baseURL: 'https://api.openai.com/v1',
    rules: { maxIdLength: 40 },
  },
  {
    name: 'responses',
    api: 'responses',
    baseURL: 'https://api.openai.com/v1',
    rules: { maxIdLength: 64 },
  },
  { name: 'anthropic', api: 'anthropic', baseURL: 'https://api.anthropic.com' },
  {
    name: 'mistral',
    api: 'chat',
    baseURL: 'https://api.mistral.ai/v1',
    label: 'mistral',
    rules: { ids: /^[a-zA-Z0-9]{9}$/ },
  },
];

/** An SDK client without a network: it captures the bodies that are sent, and returns the given answers. */
export class CapturedWire {
  /** The body of the last request; `undefined` before the first one. */
  body: unknown;
  /** Creates the next answers: a `Response`, or a value that is sent as JSON. */
  answer: () => object = () => this.plain;

  constructor(readonly host: Host) {}

  get llm(): LlmOptions {
    const { api, baseURL, label } = this.host;
    const options = { apiKey: 'test', maxRetries: 0, baseURL, fetch: this.#fetch };
    return api === 'anthropic'
      ? { provider: 'anthropic', model: 'claude-haiku-4-5', client: new Anthropic(options) }
      : {
          provider: 'openai',
          api,
          model: 'gpt-4o-mini',
          client: new OpenAI(options),
          // Otherwise a feature has the label of the root.
          label: label ?? 'openai',
        };
  }

  /** A plain text as an answer. */
  get plain(): object {
    return PLAIN[this.host.api];
  }

  /** What the provider would reject in the last request. */
  get violations(): string[] {
    const { api, rules } = this.host;
    if (api === 'anthropic') return anthropicViolations(this.body);
    return (api === 'chat' ? chatViolations : responsesViolations)(this.body, rules);
  }

  readonly #fetch: typeof fetch = async (_input, init) => {
    this.body = JSON.parse(init?.body as string) as unknown;
    const answer = this.answer();
    return answer instanceof Response ? answer : Response.json(answer);
  };
}

const PLAIN: Readonly<Record<Api, object>> = {
  chat: {
    id: 'chat-1',
    object: 'chat.completion',
    created: 1,
    model: 'gpt-4o-mini',
    choices: [
      { index: 0, message: { role: 'assistant', content: 'Fine.' }, finish_reason: 'stop' },
    ],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  },
  responses: {
    id: 'resp_1',
    object: 'response',
    created_at: 1,
    status: 'completed',
    model: 'gpt-4o-mini',
    output: [
      {
        type: 'message',
        id: 'msg_1',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: 'Fine.', annotations: [] }],
      },
    ],
    error: null,
    incomplete_details: null,
    usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
  },
  anthropic: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-haiku-4-5',
    content: [{ type: 'text', text: 'Fine.' }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 3, output_tokens: 2 },
  },
};
