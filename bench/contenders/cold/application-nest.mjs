// A Nest application whose provider is the raw SDK's client.
import OpenAI from 'openai';
import { startNest } from '../nest.mjs';
import { MAX_TOKENS, MODELS, PROMPT } from '../question.mjs';

export async function start({ baseURL }) {
  const options = { apiKey: 'none', baseURL, maxRetries: 0 };
  const provider = { provide: OpenAI, useFactory: () => new OpenAI(options) };
  const app = await startNest({ providers: [provider] });
  const client = app.get(OpenAI);
  return { ask: () => ask(client), check: () => undefined, close: () => app.close() };
}

async function ask(client) {
  const { choices, usage } = await client.chat.completions.create({
    model: MODELS.openai,
    messages: [{ role: 'user', content: PROMPT }],
    max_completion_tokens: MAX_TOKENS,
  });
  const { prompt_tokens: inputTokens, completion_tokens: outputTokens } = usage;
  return { answers: 1, characters: choices[0].message.content.length, inputTokens, outputTokens };
}
