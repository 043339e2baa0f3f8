// OpenAI's Agents SDK over chat completions, with a listener that hears each tool.
import { Agent, OpenAIChatCompletionsModel, Runner, tool } from '@openai/agents';
import OpenAI from 'openai';
import { findOrder, orderTool, questionFor, repeatAgent } from './orders.mjs';
import { MAX_TOKENS, MODELS } from './question.mjs';

export function setUp({ baseURL, calls }) {
  const client = new OpenAI({ apiKey: 'none', baseURL, maxRetries: 0 });
  const agent = new Agent({
    name: 'bench',
    model: new OpenAIChatCompletionsModel(client, MODELS.openai),
    modelSettings: { maxTokens: MAX_TOKENS },
    tools: [tool({ ...orderTool, execute: (args) => findOrder(args) })],
  });
  const runner = new Runner({ tracingDisabled: true });
  const hook = { heard: 0 };
  runner.on('agent_tool_end', () => void hook.heard++);
  return {
    run: (times) => repeatAgent(times, () => ask(runner, agent, questionFor(calls)), hook),
    close: () => undefined,
  };
}

async function ask(runner, agent, question) {
  const { finalOutput, state } = await runner.run(agent, question);
  const { inputTokens, outputTokens } = state.usage;
  return { answers: 1, characters: finalOutput.length, inputTokens, outputTokens };
}
