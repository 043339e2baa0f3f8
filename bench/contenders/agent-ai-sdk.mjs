// The AI SDK's loop: `generateText()` with a tool, and a callback that hears each of its executions.
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, isStepCount, tool } from 'ai';
import { findOrder, orderTool, questionFor, repeatAgent } from './orders.mjs';
import { MAX_TOKENS, MODELS } from './question.mjs';

const { name, description, parameters: inputSchema } = orderTool;
const tools = { [name]: tool({ description, inputSchema, execute: (args) => findOrder(args) }) };

export function setUp({ baseURL, calls }) {
  const model = createOpenAI({ apiKey: 'none', baseURL }).chat(MODELS.openai);
  const hook = { heard: 0 };
  const common = {
    model,
    tools,
    stopWhen: isStepCount(10),
    maxOutputTokens: MAX_TOKENS,
    maxRetries: 0,
    onToolExecutionEnd: () => void hook.heard++,
  };
  return {
    run: (times) => repeatAgent(times, () => ask({ ...common, prompt: questionFor(calls) }), hook),
    close: () => undefined,
  };
}

async function ask(options) {
  const { text, totalUsage } = await generateText(options);
  const { inputTokens, outputTokens } = totalUsage;
  return { answers: 1, characters: text.length, inputTokens, outputTokens };
}
