import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from '@jest/globals';
import { LlmResponseError } from 'nestjs-llm-callbacks';
import { ask, errorOf, HELLO, useBench, WIRES } from '../../support/wire/index.js';
import { newClient } from '../../support/wire/sdk-clients.js';

const HEADERS = { 'content-type': 'text/event-stream' };

/** Responses as other `fetch` implementations and mocks return them; the SDKs read all of them. */
const BODIES: [string, (text: string) => Response][] = [
  ['bytes', (text) => new Response(text, { headers: HEADERS })],
  ['text', (text) => new Response(ReadableStream.from([text]) as never, { headers: HEADERS })],
  ["a stream of Node's", (text) => inNode(Readable.from([Buffer.from(text)]))],
];

/** As `node-fetch` answers. */
function inNode(body: Readable): Response {
  return { ok: true, status: 200, headers: new Headers(HEADERS), body } as unknown as Response;
}

describe.each(WIRES)('A client of $name with a custom fetch', (wire) => {
  let answer: (() => Response) | undefined;
  const client = (origin: string) =>
    newClient(wire, origin, { fetch: async () => answer!(), maxRetries: 0, logLevel: 'off' });
  const bench = useBench(wire, { llm: (origin) => ({ client: client(origin) }) });
  afterEach(() => (answer = undefined));

  it.each(BODIES)('accepts a response with %s', async (_kind, respond) => {
    answer = () => respond(wire.stream(HELLO).join(''));
    expect(await ask(bench.llm, 'stream')).toMatchObject({ text: 'Hello, world' });
  });

  it.each(BODIES)('detects from %s that an answer is incomplete', async (_kind, respond) => {
    answer = () => respond(wire.streamWithoutEnd(HELLO).join(''));
    expect(await errorOf(ask(bench.llm, 'stream'))).toBeInstanceOf(LlmResponseError);
    expect(bench.recording.of('llm.error')).toMatchObject([{ text: 'Hello, world' }]);
  });

  it('fails as LlmResponseError when fetch returns nothing', async () => {
    answer = () => new Response(null, { headers: HEADERS });
    expect(await errorOf(ask(bench.llm, 'stream'))).toBeInstanceOf(LlmResponseError);
  });
});
