// The AI SDK: `streamText()` with `onChunk`, or `generateText()`.
import { generateText, jsonSchema, streamText, tool } from 'ai';
import { MAX_TOKENS, MODELS, PROMPT, repeat } from './question.mjs';
import { reportTool } from './tools.mjs';

const COMMON = { prompt: PROMPT, maxOutputTokens: MAX_TOKENS, maxRetries: 0 };
const TOOLS = {
  [reportTool.name]: tool({
    description: reportTool.description,
    inputSchema: jsonSchema(reportTool.parameters),
  }),
};
const WIRES = {
  async openai(baseURL) {
    const { createOpenAI } = await import('@ai-sdk/openai');
    return createOpenAI({ apiKey: 'none', baseURL }).chat(MODELS.openai);
  },
  async anthropic(baseURL) {
    const { createAnthropic } = await import('@ai-sdk/anthropic');
    return createAnthropic({ apiKey: 'none', baseURL: `${baseURL}/v1` })(MODELS.anthropic);
  },
};

export async function setUp({ wire, baseURL, answer, atOnce }) {
  const model = await WIRES[wire](baseURL);
  return {
    run: (times) => repeat(times, () => ASK[answer](model), atOnce),
    close: () => undefined,
  };
}

const ASK = {
  async stream(model) {
    const heard = { pieces: 0, characters: 0 };
    const result = streamText({
      ...COMMON,
      model,
      onChunk({ chunk }) {
        if (chunk.type === 'text-delta') hear(heard, chunk.text);
      },
      onError,
    });
    let chunks = 0;
    let characters = 0;
    for await (const text of result.textStream) {
      chunks++;
      characters += text.length;
    }
    check(heard, chunks, characters);
    return { chunks, characters, ...tokens(await result.totalUsage) };
  },

  async toolStream(model) {
    const heard = { pieces: 0, characters: 0 };
    const result = streamText({
      ...COMMON,
      model,
      tools: TOOLS,
      onChunk({ chunk }) {
        if (chunk.type === 'tool-input-delta' && chunk.delta) hear(heard, chunk.delta);
      },
      onError,
    });
    let deltas = 0;
    let characters = 0;
    for await (const { type, delta } of result.fullStream) {
      if (type === 'tool-input-delta' && delta) {
        deltas++;
        characters += delta.length;
      }
    }
    check(heard, deltas, characters);
    return { deltas, characters, ...tokens(await result.totalUsage) };
  },

  async whole(model) {
    const { text, totalUsage } = await generateText({ ...COMMON, model });
    return { answers: 1, characters: text.length, ...tokens(totalUsage) };
  },
};

function hear(heard, piece) {
  heard.pieces++;
  heard.characters += piece.length;
}

function check(heard, pieces, characters) {
  if (heard.pieces !== pieces || heard.characters !== characters)
    throw new Error(`onChunk heard ${heard.pieces} pieces of ${pieces}.`);
}

function tokens({ inputTokens, outputTokens }) {
  return { inputTokens, outputTokens };
}

/** It would write the error, and end the stream as if all were well. */
function onError({ error }) {
  throw error;
}
