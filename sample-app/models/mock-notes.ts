import type { Fixture } from '@copilotkit/aimock';

/** Simulates the model of the notes: a summary, and a subject line. */
export const MOCK_NOTES: Fixture[] = [
  {
    match: { predicate: asksTo(/^Sum up/) },
    response: {
      content: 'The customer asks when the order arrives.',
      usage: { prompt_tokens: 40, completion_tokens: 9 },
    },
  },
  {
    match: { predicate: asksTo(/^Suggest a subject/) },
    response: {
      content: 'When your order arrives',
      usage: { prompt_tokens: 36, completion_tokens: 5 },
    },
  },
];

/** AI SDK sends instructions to newer models as a message of the role `developer`. */
function asksTo(instruction: RegExp): NonNullable<Fixture['match']['predicate']> {
  return ({ messages: [first] }) =>
    first?.role !== 'user' && typeof first?.content === 'string' && instruction.test(first.content);
}
