// LangChain: `model.stream()` with a callback handler that hears each token, or `invoke()`.
import { BaseCallbackHandler } from '@langchain/core/callbacks/base';
import { MAX_TOKENS, MODELS, PROMPT, repeat } from './question.mjs';
import { anthropicTool, openAiTool, reportTool } from './tools.mjs';

const WIRES = { openai: openAi, anthropic };

export async function setUp({ wire, baseURL, answer, atOnce }) {
  const { model, tool } = await WIRES[wire](baseURL);
  const asked = answer === 'toolStream' ? model.bindTools([tool]) : model;
  const handler = new TokenHandler();
  return {
    async run(times) {
      handler.heard = handler.characters = 0;
      const work = await repeat(times, () => ASK[answer](asked, handler), atOnce);
      handler.check(work);
      return work;
    },
    close: () => undefined,
  };
}

export async function openAi(baseURL) {
  const { ChatOpenAI } = await import('@langchain/openai');
  const model = new ChatOpenAI({
    model: MODELS.openai,
    apiKey: 'none',
    configuration: { baseURL },
    maxRetries: 0,
    maxTokens: MAX_TOKENS,
    useResponsesApi: false,
  });
  return { model, tool: openAiTool(reportTool) };
}

async function anthropic(baseURL) {
  const { ChatAnthropic } = await import('@langchain/anthropic');
  const model = new ChatAnthropic({
    model: MODELS.anthropic,
    apiKey: 'none',
    anthropicApiUrl: baseURL,
    maxRetries: 0,
    maxTokens: MAX_TOKENS,
  });
  return { model, tool: anthropicTool(reportTool) };
}

/** Is awaited, as ours is: in the background, which is the default, it would be called later and cost more. */
class TokenHandler extends BaseCallbackHandler {
  name = 'tokens';
  awaitHandlers = true;
  heard = 0;
  characters = 0;

  handleLLMNewToken(token, _indices, _runId, _parentRunId, _tags, fields) {
    const piece = token || pieceOf(fields?.chunk?.message);
    if (piece) this.heard++;
    this.characters += piece.length;
  }

  check(work) {
    const pieces = work.chunks ?? work.deltas ?? 0;
    if (this.heard !== pieces || this.characters !== (pieces > 0 ? work.characters : 0))
      throw new Error(`The handler heard ${this.heard} pieces of ${pieces}.`);
  }
}

const ASK = {
  async stream(model, handler) {
    const work = { chunks: 0, characters: 0, inputTokens: 0, outputTokens: 0 };
    for await (const chunk of await model.stream(PROMPT, { callbacks: [handler] })) {
      const { text } = chunk;
      if (text) work.chunks++;
      work.characters += text.length;
      addUsage(work, chunk);
    }
    return work;
  },

  async toolStream(model, handler) {
    const work = { deltas: 0, characters: 0, inputTokens: 0, outputTokens: 0 };
    for await (const chunk of await model.stream(PROMPT, { callbacks: [handler] })) {
      const piece = pieceOf(chunk);
      if (piece) work.deltas++;
      work.characters += piece.length;
      addUsage(work, chunk);
    }
    return work;
  },

  async whole(model, handler) {
    const message = await model.invoke(PROMPT, { callbacks: [handler] });
    const work = { answers: 1, characters: message.text.length, inputTokens: 0, outputTokens: 0 };
    addUsage(work, message);
    return work;
  },
};

function pieceOf(message) {
  return message?.tool_call_chunks?.[0]?.args ?? '';
}

/**
 * The input is said once. The output's last count is the right one: of Anthropic's stream the pieces add up to one
 * token more, because the first event has a count too.
 */
function addUsage(work, { usage_metadata: usage }) {
  if (!usage) return;
  work.inputTokens += usage.input_tokens;
  work.outputTokens = usage.output_tokens;
}
