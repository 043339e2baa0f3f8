import { setTimeout } from 'node:timers/promises';
import type {
  ChatCompletionRequest,
  ChatMessage,
  Fixture,
  FixtureResponse,
} from '@copilotkit/aimock';
import type { Order, Parcel } from '../agent/order-book.js';

/** How long the mock thinks, in milliseconds. */
const THINKING_MS = 250;
/** About as many tokens as the real models count. */
const CHARACTERS_PER_TOKEN = 4;

type Calls = [tool: string, args: object][];

/** Simulates the model of the agent: its tool calls, and its answers to their results. */
export const MOCK_CLERK: Fixture = {
  match: { predicate: ({ tools = [] }) => tools.length > 0 },
  response: async (request) => {
    await setTimeout(THINKING_MS);
    return respond(request, nextTurn(request.messages));
  },
};

function respond({ messages }: ChatCompletionRequest, turn: string | Calls): FixtureResponse {
  const usage = { prompt_tokens: tokensOf(messages), completion_tokens: tokensOf(turn) };
  if (typeof turn === 'string') return { content: turn, usage };
  const toolCalls = turn.map(([name, args]) => ({ name, arguments: JSON.stringify(args) }));
  return { toolCalls, usage };
}

function nextTurn(messages: ChatMessage[]): string | Calls {
  const asked = messages.findLastIndex(({ role }) => role === 'user');
  const question = textOf(messages[asked]);
  const orderId = /\b\d{4}\b/.exec(question)?.[0];
  if (orderId === undefined) return fromHelpTexts(messages);
  const results = resultsOf(messages.slice(asked + 1));
  return /refund|money back/i.test(question)
    ? toRefund(orderId, results)
    : toParcel(orderId, results);
}

function toParcel(orderId: string, results: Results): string | Calls {
  if (results.size === 0)
    return [
      ['findOrder', { orderId }],
      ['trackParcel', { orderId }],
    ];
  const order = results.get('findOrder') as Order | undefined;
  const parcel = results.get('trackParcel') as Parcel | undefined;
  if (!order || !parcel) return notFound(orderId);
  return `Your ${order.item} (order ${orderId}) ${parcel.whereabouts}.`;
}

function toRefund(orderId: string, results: Results): string | Calls {
  if (results.size === 0) return [['findOrder', { orderId }]];
  const order = results.get('findOrder') as Order | undefined;
  if (!order) return notFound(orderId);
  if (!results.has('refund')) {
    return order.refunded > 0
      ? `The money for your ${order.item} is on its way to you already.`
      : [['refund', { orderId, amount: order.total }]];
  }
  return results.get('refund') === undefined
    ? `I am sorry: we cannot refund order ${orderId}. A colleague writes to you about it.`
    : `We return $${order.total.toFixed(2)} for your ${order.item} to the card that you paid with.`;
}

function notFound(orderId: string): string {
  return `I cannot find order ${orderId}. Please look at the number on your receipt again.`;
}

function fromHelpTexts(messages: ChatMessage[]): string {
  const texts = messages
    .filter(({ role }) => role === 'system')
    .map(textOf)
    .join('\n');
  const found = /^- [^:]*: (.*)$/m.exec(texts)?.[1];
  return (
    found ?? 'Thank you for writing. A colleague reads your question and answers within a day.'
  );
}

/** By name of the tool; `undefined` for a call that failed. */
type Results = ReadonlyMap<string, unknown>;

function resultsOf(messages: ChatMessage[]): Results {
  const names = new Map(
    messages.flatMap(({ tool_calls = [] }) =>
      tool_calls.map((call) => [call.id, call.function.name]),
    ),
  );
  return new Map(
    messages
      .filter(({ role }) => role === 'tool')
      .map((message) => [names.get(message.tool_call_id ?? '') ?? '', valueOf(textOf(message))]),
  );
}

function valueOf(result: string): unknown {
  return result.startsWith('Error') ? undefined : JSON.parse(result);
}

function textOf(message: ChatMessage | undefined): string {
  return typeof message?.content === 'string' ? message.content : '';
}

function tokensOf(value: unknown): number {
  return Math.ceil(JSON.stringify(value).length / CHARACTERS_PER_TOKEN);
}
