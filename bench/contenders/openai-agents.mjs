// OpenAI's Agents SDK over chat completions: one agent without tools, streamed or not.
import { Agent, OpenAIChatCompletionsModel, Runner } from '@openai/agents';
import OpenAI from 'openai';
import { MAX_TOKENS, MODELS, PROMPT, repeat } from './question.mjs';

export function setUp({ baseURL, answer, atOnce }) {
  const client = new OpenAI({ apiKey: 'none', baseURL, maxRetries: 0 });
  const agent = new Agent({
    name: 'bench',
    model: new OpenAIChatCompletionsModel(client, MODELS.openai),
    modelSettings: { maxTokens: MAX_TOKENS },
  });
  const runner = new Runner({ tracingDisabled: true });
  const ask = () => ASK[answer](runner, agent);
  return { run: (times) => repeat(times, ask, atOnce), close: () => undefined };
}

const ASK = {
  /** It has no hook for chunks: they are events of the stream. */
  async stream(runner, agent) {
    let chunks = 0;
    let characters = 0;
    const result = await runner.run(agent, PROMPT, { stream: true });
    for await (const { type, data } of result) {
      if (type === 'raw_model_stream_event' && data.type === 'output_text_delta') {
        chunks++;
        characters += data.delta.length;
      }
    }
    await result.completed;
    return { chunks, characters, ...tokens(result) };
  },

  async whole(runner, agent) {
    const result = await runner.run(agent, PROMPT);
    return { answers: 1, characters: result.finalOutput.length, ...tokens(result) };
  },
};

function tokens({ state: { usage } }) {
  return { inputTokens: usage.inputTokens, outputTokens: usage.outputTokens };
}
