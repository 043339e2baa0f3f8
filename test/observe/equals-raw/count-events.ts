import type { Sent } from './answers.js';
import type { ClientKind } from './kinds.js';

/** How many events of an answer its client gives, and whether it fails then; without a network. */
export async function countEvents(
  kind: ClientKind,
  { packets, headers }: Sent,
): Promise<{ count: number; failed: boolean }> {
  const fetch = async () => new Response(Buffer.concat(packets), { headers });
  const client = kind.newClient('http://memory.test', { fetch, maxRetries: 0, logLevel: 'off' });
  const body = { model: 'm', max_tokens: 1, messages: [], stream: true };
  const stream = (await kind.resource(client).create(body)) as AsyncIterable<unknown>;
  let count = 0;
  try {
    for await (const _ of stream) count++;
    return { count, failed: false };
  } catch {
    return { count, failed: true };
  }
}
