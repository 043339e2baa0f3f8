// The raw SDK: `for await` over `create({ stream: true })`, or one `create()`.
import Anthropic from '@anthropic-ai/sdk';
import { MAX_TOKENS, MODELS, PROMPT, insideContext, repeat } from './question.mjs';
import { anthropicTool, reportTool } from './tools.mjs';

const BODY = {
  model: MODELS.anthropic,
  messages: [{ role: 'user', content: PROMPT }],
  max_tokens: MAX_TOKENS,
};
const STREAM = { ...BODY, stream: true };

export const newClient = (baseURL) => new Anthropic({ apiKey: 'none', baseURL, maxRetries: 0 });

export function setUp({ baseURL, answer, atOnce, inContext = false }) {
  const client = newClient(baseURL);
  const run = (times) => repeat(times, () => ASK[answer](client), atOnce);
  return { run: inContext ? insideContext(run) : run, close: () => undefined };
}

export const ASK = {
  async stream(client) {
    let chunks = 0;
    let characters = 0;
    let inputTokens = 0;
    let outputTokens = 0;
    for await (const event of await client.messages.create(STREAM)) {
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') {
        chunks++;
        characters += event.delta.text.length;
      } else if (event.type === 'message_start') inputTokens = event.message.usage.input_tokens;
      else if (event.type === 'message_delta') outputTokens = event.usage.output_tokens;
    }
    return { chunks, characters, inputTokens, outputTokens };
  },

  async toolStream(client) {
    let deltas = 0;
    let characters = 0;
    let inputTokens = 0;
    let outputTokens = 0;
    const body = { ...STREAM, tools: [anthropicTool(reportTool)] };
    for await (const event of await client.messages.create(body)) {
      if (event.type === 'content_block_delta' && event.delta.type === 'input_json_delta') {
        if (event.delta.partial_json) deltas++;
        characters += event.delta.partial_json.length;
      } else if (event.type === 'message_start') inputTokens = event.message.usage.input_tokens;
      else if (event.type === 'message_delta') outputTokens = event.usage.output_tokens;
    }
    return { deltas, characters, inputTokens, outputTokens };
  },

  async whole(client) {
    const { content, usage } = await client.messages.create(BODY);
    const { input_tokens: inputTokens, output_tokens: outputTokens } = usage;
    return { answers: 1, characters: content[0].text.length, inputTokens, outputTokens };
  },
};
