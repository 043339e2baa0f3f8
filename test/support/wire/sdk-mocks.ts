import { HELLO, type WireFormat } from './wire-format.js';
import type { Method } from './calls.js';

/** The SDK method that sends a request. */
export type Create = (body: object, options: object) => unknown;

/** The part of a client that has this method. */
export function sender({ name }: WireFormat, client: object): { create: Create } {
  const { chat, messages, responses } = client as Record<string, Record<string, unknown>>;
  const senders = { openai: chat?.['completions'], anthropic: messages, responses };
  return senders[name] as { create: Create };
}

/** A client that consists only of mocks. */
export function mockClient({ name }: WireFormat, create: Create): object {
  if (name === 'openai') return { chat: { completions: { create } } };
  return name === 'responses' ? { responses: { create } } : { messages: { create } };
}

/** The minimal answer of a mock. */
export function bare({ name }: WireFormat, text: string): object {
  if (name === 'openai') return { choices: [{ message: { content: text } }] };
  const content = [{ type: name === 'responses' ? 'output_text' : 'text', text }];
  return name === 'responses' ? { output: [{ type: 'message', content }] } : { content };
}

/** The answer of a mocked client: plain objects, as the server would send them. */
export function plain(wire: WireFormat, method: Method): unknown {
  if (method === 'generate') return wire.answer(HELLO);
  const frames = wire.stream(HELLO).flatMap((frame) => /^data: (\{.*)$/m.exec(frame)?.[1] ?? []);
  return (async function* () {
    for (const frame of frames) yield JSON.parse(frame) as unknown;
  })();
}
