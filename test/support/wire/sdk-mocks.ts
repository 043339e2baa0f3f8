import { HELLO, type WireFormat } from './wire-format.js';
import type { Method } from './calls.js';

/** An SDK's method that sends. */
export type Create = (body: object, options: object) => unknown;

/** The part of a client that has the method that sends. */
export function sender({ name }: WireFormat, client: object): { create: Create } {
  const { chat, messages, responses } = client as Record<string, Record<string, unknown>>;
  const senders = { openai: chat?.['completions'], anthropic: messages, responses };
  return senders[name] as { create: Create };
}

/** A client that is nothing but a mock. */
export function mockClient({ name }: WireFormat, create: Create): object {
  if (name === 'openai') return { chat: { completions: { create } } };
  return name === 'responses' ? { responses: { create } } : { messages: { create } };
}

/** The least that a mock can answer with. */
export function bare({ name }: WireFormat, text: string): object {
  if (name === 'openai') return { choices: [{ message: { content: text } }] };
  const content = [{ type: name === 'responses' ? 'output_text' : 'text', text }];
  return name === 'responses' ? { output: [{ type: 'message', content }] } : { content };
}

/** What a mocked client answers with: plain objects, as the server would say them. */
export function plain(wire: WireFormat, method: Method): unknown {
  if (method === 'generate') return wire.answer(HELLO);
  const frames = wire.stream(HELLO).flatMap((frame) => /^data: (\{.*)$/m.exec(frame)?.[1] ?? []);
  return (async function* () {
    for (const frame of frames) yield JSON.parse(frame) as unknown;
  })();
}
