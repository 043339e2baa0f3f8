// The AI SDK's loop: `generateText()` with a tool, and a callback that hears each of its executions.
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, isStepCount, tool } from 'ai';
import { checkHeard, executed, findOrder, orderTool, questionFor } from './orders.mjs';
import { MAX_TOKENS, MODELS, repeat } from './question.mjs';

const { name, description, parameters: inputSchema } = orderTool;
const tools = { [name]: tool({ description, inputSchema, execute: (args) => findOrder(args) }) };

export function setUp({ baseURL, calls }) {
  const model = createOpenAI({ apiKey: 'none', baseURL }).chat(MODELS.openai);
  let heard = 0;
  const common = {
    model,
    tools,
    stopWhen: isStepCount(10),
    maxOutputTokens: MAX_TOKENS,
    maxRetries: 0,
    onToolExecutionEnd: () => void heard++,
  };
  return {
    async run(times) {
      const work = await repeat(times, () => ask({ ...common, prompt: questionFor(calls) }));
      checkHeard(heard);
      return work;
    },
    close: () => undefined,
  };
}

async function ask(options) {
  const before = executed.orders;
  const { text, totalUsage } = await generateText(options);
  const { inputTokens, outputTokens } = totalUsage;
  const toolCalls = executed.orders - before;
  return { answers: 1, characters: text.length, toolCalls, inputTokens, outputTokens };
}
