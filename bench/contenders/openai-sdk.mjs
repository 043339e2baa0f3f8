// The raw SDK: `for await` over `create({ stream: true })`, or one `create()`.
import OpenAI from 'openai';
import { MAX_TOKENS, MODELS, PROMPT, insideContext, repeat } from './question.mjs';

const BODY = {
  model: MODELS.openai,
  messages: [{ role: 'user', content: PROMPT }],
  max_completion_tokens: MAX_TOKENS,
};

export function setUp({ baseURL, streaming, inContext = false }) {
  const client = new OpenAI({ apiKey: 'none', baseURL, maxRetries: 0 });
  const ask = () => (streaming ? stream(client) : generate(client));
  const run = (times) => repeat(times, ask);
  return { run: inContext ? insideContext(run) : run, close: () => undefined };
}

async function stream(client) {
  let chunks = 0;
  let characters = 0;
  let usage;
  const body = { ...BODY, stream: true, stream_options: { include_usage: true } };
  for await (const event of await client.chat.completions.create(body)) {
    const text = event.choices[0]?.delta.content;
    if (text) {
      chunks++;
      characters += text.length;
    }
    usage = event.usage ?? usage;
  }
  return {
    chunks,
    characters,
    inputTokens: usage.prompt_tokens,
    outputTokens: usage.completion_tokens,
  };
}

async function generate(client) {
  const { choices, usage } = await client.chat.completions.create(BODY);
  return {
    answers: 1,
    characters: choices[0].message.content.length,
    inputTokens: usage.prompt_tokens,
    outputTokens: usage.completion_tokens,
  };
}
