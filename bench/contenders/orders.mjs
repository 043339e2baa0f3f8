// What the agents are asked, and the tool that they have.
import { z } from 'zod';
import { ORDER_TOOL } from '../server/text.mjs';

/** The server's model asks for as many orders as the question names. */
export function questionFor(calls) {
  return `Where are my ${calls} orders?`;
}

export const orderTool = {
  name: ORDER_TOOL,
  description: 'Says where an order is.',
  parameters: z.object({ order: z.string() }),
};

/** How often the tool was executed, as it says itself. */
export const executed = { orders: 0 };

export function findOrder({ order }) {
  executed.orders++;
  return { order, status: 'sent', arrives: 'Friday' };
}

/**
 * One agent's work: `times` questions, and what a hook has heard of tools meanwhile, which must be every execution.
 * `heard` counts from the process's begin, as `executed` does.
 */
export function checkHeard(heard) {
  if (heard !== executed.orders)
    throw new Error(`The hook heard ${heard} tools of ${executed.orders}.`);
}
