import type Anthropic from '@anthropic-ai/sdk';
import type OpenAI from 'openai';
import type { LlmService } from 'nestjs-llm-callbacks';
import type { WireFormat } from '../support/wire/index.js';

/** What a call of either kind accepts. */
export interface Ask {
  readonly prompt?: string;
  readonly signal?: AbortSignal;
}

/** Makes the same call, by this library or by an observed client. */
export interface Caller {
  whole(ask?: Ask): Promise<unknown>;
  stream(ask?: Ask): Promise<AsyncIterable<unknown>>;
}

const MAX_TOKENS = 100;

/** Calls of this library. */
export function ownCaller(llm: LlmService): Caller {
  const options = { maxOutputTokens: MAX_TOKENS };
  return {
    whole: ({ prompt = 'Hi', ...rest } = {}) => llm.generate(prompt, { ...options, ...rest }),
    stream: async ({ prompt = 'Hi', ...rest } = {}) => llm.stream(prompt, { ...options, ...rest }),
  };
}

/** Calls of a client of an SDK. */
export function clientCaller(wire: WireFormat, client: OpenAI | Anthropic): Caller {
  const send = (stream: boolean, { prompt = 'Hi', ...options }: Ask = {}) => {
    const { model } = wire;
    if (wire.name === 'responses') {
      const body = { model, input: prompt, stream, max_output_tokens: MAX_TOKENS };
      return (client as OpenAI).responses.create(body as never, options);
    }
    const messages = [{ role: 'user', content: prompt }];
    const body = { model, messages, stream, max_tokens: MAX_TOKENS };
    return wire.name === 'openai'
      ? (client as OpenAI).chat.completions.create(body as never, options)
      : (client as Anthropic).messages.create(body as never, options);
  };
  return {
    whole: async (ask) => send(false, ask),
    stream: async (ask) => (await send(true, ask)) as unknown as AsyncIterable<unknown>,
  };
}
