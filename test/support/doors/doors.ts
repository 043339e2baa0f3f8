import type Anthropic from '@anthropic-ai/sdk';
import type OpenAI from 'openai';
import type { LlmService } from 'nestjs-llm-callbacks';

export const MODEL = 'm';
export const MAX_TOKENS = 50;

/** What calls are made with: the service, and clients of SDKs whose calls are observed. */
export interface Clients {
  readonly llm: LlmService;
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
  /** A client that is not observed itself, but sends its requests by `callbacks.fetch()`. */
  readonly fetching: OpenAI;
}

/** Makes one call, and reads its answer to the end. */
export type Door = (clients: Clients, prompt: string) => Promise<unknown>;

/** The ways into the library. Each of them is a row of the tests of what holds for all. */
export const DOORS: Readonly<Record<string, Door>> = {
  'own service': ({ llm }, prompt) => llm.generate(prompt, { maxOutputTokens: MAX_TOKENS }),
  'observed openai': async ({ openai }, prompt) =>
    read(await openai.chat.completions.create({ ...chat(prompt), stream: true })),
  'observed anthropic': ({ anthropic }, prompt) =>
    anthropic.messages.create({ ...asked(prompt), max_tokens: MAX_TOKENS }),
  'callbacks.fetch()': ({ fetching }, prompt) => fetching.chat.completions.create(chat(prompt)),
};

function chat(prompt: string) {
  return { ...asked(prompt), max_completion_tokens: MAX_TOKENS };
}

function asked(prompt: string) {
  return { model: MODEL, messages: [{ role: 'user' as const, content: prompt }] };
}

async function read(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}
