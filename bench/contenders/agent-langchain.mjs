// LangChain's agent, with a callback handler that hears each tool.
import { BaseCallbackHandler } from '@langchain/core/callbacks/base';
import { createAgent, tool } from 'langchain';
import { openAi } from './langchain.mjs';
import { findOrder, orderTool, questionFor, repeatAgent } from './orders.mjs';
import { add } from './question.mjs';

export async function setUp({ baseURL, calls }) {
  const { model } = await openAi(baseURL);
  const { name, description, parameters: schema } = orderTool;
  const find = tool(async (args) => JSON.stringify(await findOrder(args)), {
    name,
    description,
    schema,
  });
  const agent = createAgent({ model, tools: [find] });
  const handler = new ToolHandler();
  return {
    run: (times) => repeatAgent(times, () => ask(agent, questionFor(calls), handler), handler),
    close: () => undefined,
  };
}

/** Is awaited, as ours is. */
class ToolHandler extends BaseCallbackHandler {
  name = 'tools';
  awaitHandlers = true;
  heard = 0;

  handleToolEnd() {
    this.heard++;
  }
}

async function ask(agent, question, handler) {
  const input = { messages: [{ role: 'user', content: question }] };
  const { messages } = await agent.invoke(input, { callbacks: [handler] });
  const work = { answers: 1, characters: messages.at(-1).text.length };
  for (const { usage_metadata: usage } of messages) {
    if (usage) add(work, { inputTokens: usage.input_tokens, outputTokens: usage.output_tokens });
  }
  return work;
}
