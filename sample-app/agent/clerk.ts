import type { AgentOptions } from 'nestjs-llm-callbacks';
import { OrderTools } from './order-tools.js';

/** The agent of the desk. */
export const CLERK: AgentOptions = {
  name: 'clerk',
  persona:
    'You help the customers of a small web shop. Look things up with your tools, several at once where you can. ' +
    'Refund only what a customer asks for. Answer in at most three sentences.',
  tools: [OrderTools],
  maxSteps: 6,
  // US dollars.
  maxCost: 0.05,
};
