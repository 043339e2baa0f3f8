import { FakeLlm } from 'nestjs-llm-callbacks/testing';

/** What the examples of agents call `model`: it looks an order up, and says where it is. */
export const model = {
  provider: new FakeLlm([
    { toolCalls: [{ name: 'findOrder', args: { id: '42' } }] },
    'Order 42 was sent.',
  ]),
  model: 'gpt-5-mini',
};
