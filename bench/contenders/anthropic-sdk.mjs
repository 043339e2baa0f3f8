// The raw SDK: `for await` over `create({ stream: true })`, or one `create()`.
import Anthropic from '@anthropic-ai/sdk';
import { MAX_TOKENS, MODELS, PROMPT, insideContext, repeat } from './question.mjs';

const BODY = {
  model: MODELS.anthropic,
  messages: [{ role: 'user', content: PROMPT }],
  max_tokens: MAX_TOKENS,
};

export function setUp({ baseURL, streaming, inContext = false }) {
  const client = new Anthropic({ apiKey: 'none', baseURL, maxRetries: 0 });
  const ask = () => (streaming ? stream(client) : generate(client));
  const run = (times) => repeat(times, ask);
  return { run: inContext ? insideContext(run) : run, close: () => undefined };
}

async function stream(client) {
  let chunks = 0;
  let characters = 0;
  let inputTokens = 0;
  let outputTokens = 0;
  for await (const event of await client.messages.create({ ...BODY, stream: true })) {
    if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') {
      chunks++;
      characters += event.delta.text.length;
    } else if (event.type === 'message_start') inputTokens = event.message.usage.input_tokens;
    else if (event.type === 'message_delta') outputTokens = event.usage.output_tokens;
  }
  return { chunks, characters, inputTokens, outputTokens };
}

async function generate(client) {
  const { content, usage } = await client.messages.create(BODY);
  return {
    answers: 1,
    characters: content[0].text.length,
    inputTokens: usage.input_tokens,
    outputTokens: usage.output_tokens,
  };
}
