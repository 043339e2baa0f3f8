import { HELLO, type WireFormat } from './wire-format.js';
import type { Method } from './calls.js';

/** An SDK's method that sends. */
export type Create = (body: object, options: object) => unknown;

/** The part of a client that has the method that sends. */
export function sender(client: object): { create: Create } {
  const { chat, messages } = client as { chat?: { completions: object }; messages?: object };
  return (chat?.completions ?? messages) as { create: Create };
}

/** A client that is nothing but a mock. */
export function mockClient(wire: WireFormat, create: Create): object {
  return wire.provider === 'openai'
    ? { chat: { completions: { create } } }
    : { messages: { create } };
}

/** What a mocked client answers with: plain objects, as the server would say them. */
export function plain(wire: WireFormat, method: Method): unknown {
  if (method === 'generate') return wire.answer(HELLO);
  const frames = wire.stream(HELLO).flatMap((frame) => /^data: (\{.*)$/m.exec(frame)?.[1] ?? []);
  return (async function* () {
    for (const frame of frames) yield JSON.parse(frame) as unknown;
  })();
}
