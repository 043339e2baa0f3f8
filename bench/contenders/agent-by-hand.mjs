// An agent without a library: the loop that one writes by hand around the raw SDK.
import OpenAI from 'openai';
import { z } from 'zod';
import { findOrder, orderTool, questionFor, repeatAgent } from './orders.mjs';
import { MAX_TOKENS, MODELS, add, insideContext } from './question.mjs';
import { openAiTool } from './tools.mjs';

const TOOLS = [openAiTool({ ...orderTool, parameters: z.toJSONSchema(orderTool.parameters) })];
const MAX_STEPS = 10;

export function setUp({ baseURL, calls, inContext = false }) {
  const client = new OpenAI({ apiKey: 'none', baseURL, maxRetries: 0 });
  const run = (times) => repeatAgent(times, () => ask(client, questionFor(calls)));
  return { run: inContext ? insideContext(run) : run, close: () => undefined };
}

async function ask(client, question) {
  const work = { inputTokens: 0, outputTokens: 0 };
  const messages = [{ role: 'user', content: question }];
  for (let step = 0; step < MAX_STEPS; step++) {
    const { choices, usage } = await client.chat.completions.create({
      model: MODELS.openai,
      messages,
      tools: TOOLS,
      max_completion_tokens: MAX_TOKENS,
    });
    add(work, { inputTokens: usage.prompt_tokens, outputTokens: usage.completion_tokens });
    const { message } = choices[0];
    messages.push(message);
    if (!message.tool_calls?.length) {
      return { answers: 1, characters: message.content.length, ...work };
    }
    messages.push(...(await Promise.all(message.tool_calls.map(call))));
  }
  throw new Error('It made too many steps.');
}

async function call({ id, function: called }) {
  const args = orderTool.parameters.parse(JSON.parse(called.arguments));
  return { role: 'tool', tool_call_id: id, content: JSON.stringify(await findOrder(args)) };
}
