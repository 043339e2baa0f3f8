// What the agents are asked, and the tool that they have.
import { z } from 'zod';
import { ORDER_TOOL } from '../server/text.mjs';
import { repeat } from './question.mjs';

/** The server's model asks for as many orders as the question names. */
export function questionFor(calls) {
  return `Where are my ${calls} orders?`;
}

export const orderTool = {
  name: ORDER_TOOL,
  description: 'Says where an order is.',
  parameters: z.object({ order: z.string() }),
};

let executed = 0;

export async function findOrder({ order }) {
  executed++;
  return { order, status: 'sent', arrives: 'Friday' };
}

/** Asks `times` times, and says how often the tool was executed; `hook`, where there is one, heard as much. */
export async function repeatAgent(times, ask, hook) {
  const before = executed;
  if (hook) hook.heard = 0;
  const work = await repeat(times, ask);
  const toolCalls = executed - before;
  if (hook && hook.heard !== toolCalls)
    throw new Error(`The hook heard ${hook.heard} tool calls of ${toolCalls}.`);
  return { ...work, toolCalls };
}
