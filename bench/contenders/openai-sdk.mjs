// The raw SDK: `for await` over `create({ stream: true })`, or one `create()`.
import OpenAI from 'openai';
import { answerFromMemory } from './memory-fetch.mjs';
import { MAX_TOKENS, MODELS, PROMPT, insideContext, repeat } from './question.mjs';
import { openAiTool, reportTool } from './tools.mjs';

const BODY = {
  model: MODELS.openai,
  messages: [{ role: 'user', content: PROMPT }],
  max_completion_tokens: MAX_TOKENS,
};
const STREAM = { ...BODY, stream: true, stream_options: { include_usage: true } };

export const newClient = (baseURL) => new OpenAI({ apiKey: 'none', baseURL, maxRetries: 0 });

export function setUp({ baseURL, answer, atOnce, inContext = false, fromMemory }) {
  const memory = fromMemory && answerFromMemory(fromMemory);
  const client = newClient(baseURL);
  const run = (times) => repeat(times, () => ASK[answer](client), atOnce);
  return { run: inContext ? insideContext(run) : run, close: () => memory?.end() };
}

export const ASK = {
  async stream(client) {
    let chunks = 0;
    let characters = 0;
    let usage;
    for await (const event of await client.chat.completions.create(STREAM)) {
      const text = event.choices[0]?.delta.content;
      if (text) {
        chunks++;
        characters += text.length;
      }
      usage = event.usage ?? usage;
    }
    return { chunks, characters, ...tokens(usage) };
  },

  async toolStream(client) {
    let deltas = 0;
    let characters = 0;
    let usage;
    const body = { ...STREAM, tools: [openAiTool(reportTool)] };
    for await (const event of await client.chat.completions.create(body)) {
      const piece = event.choices[0]?.delta.tool_calls?.[0].function.arguments;
      if (piece) {
        deltas++;
        characters += piece.length;
      }
      usage = event.usage ?? usage;
    }
    return { deltas, characters, ...tokens(usage) };
  },

  async whole(client) {
    const { choices, usage } = await client.chat.completions.create(BODY);
    return { answers: 1, characters: choices[0].message.content.length, ...tokens(usage) };
  },
};

function tokens(usage) {
  return { inputTokens: usage.prompt_tokens, outputTokens: usage.completion_tokens };
}
