// OpenAI's Agents SDK over chat completions, with a listener that hears each tool.
import { Agent, OpenAIChatCompletionsModel, Runner, tool } from '@openai/agents';
import OpenAI from 'openai';
import { checkHeard, executed, findOrder, orderTool, questionFor } from './orders.mjs';
import { MAX_TOKENS, MODELS, repeat } from './question.mjs';

export function setUp({ baseURL, calls }) {
  const client = new OpenAI({ apiKey: 'none', baseURL, maxRetries: 0 });
  const agent = new Agent({
    name: 'bench',
    model: new OpenAIChatCompletionsModel(client, MODELS.openai),
    modelSettings: { maxTokens: MAX_TOKENS },
    tools: [tool({ ...orderTool, execute: (args) => findOrder(args) })],
  });
  const runner = new Runner({ tracingDisabled: true });
  let heard = 0;
  runner.on('agent_tool_end', () => void heard++);
  return {
    async run(times) {
      const work = await repeat(times, () => ask(runner, agent, questionFor(calls)));
      checkHeard(heard);
      return work;
    },
    close: () => undefined,
  };
}

async function ask(runner, agent, question) {
  const before = executed.orders;
  const { finalOutput, state } = await runner.run(agent, question);
  const { inputTokens, outputTokens } = state.usage;
  const toolCalls = executed.orders - before;
  return { answers: 1, characters: finalOutput.length, toolCalls, inputTokens, outputTokens };
}
