import { afterEach, describe, expect, it } from '@jest/globals';
import { LlmResponseError, type LlmChunk, type LlmResponse } from 'nestjs-llm-callbacks';
import { closeApps, startApp } from '../../support/app.js';
import { CapturedWire, HOSTS } from '../../support/histories/captured-wire.js';

const START = { type: 'message_start', message: { id: 'msg_1', content: [] } };
const END = [
  { type: 'message_delta', delta: { stop_reason: 'end_turn' } },
  { type: 'message_stop' },
];
const CALL = { type: 'tool_use', id: 'toolu_1', name: 'lookup', input: { id: 7 } };

const begin = (index: number, content_block: object) => ({
  type: 'content_block_start',
  index,
  content_block,
});
const text = (index: number, piece: string) => ({
  type: 'content_block_delta',
  index,
  delta: { type: 'text_delta', text: piece },
});

afterEach(closeApps);

/** Reads a stream of the given block events. */
async function read(events: readonly object[]) {
  const wire = new CapturedWire(HOSTS.find(({ api }) => api === 'anthropic')!);
  const frames = [START, ...events, ...END].map((event) => `data: ${JSON.stringify(event)}\n\n`);
  const headers = { 'content-type': 'text/event-stream' };
  wire.answer = () => new Response(frames.join(''), { headers });
  const { llm } = await startApp({}, { llm: wire.llm });
  const stream = llm.stream('Hi');
  const chunks: LlmChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const response: LlmResponse = await stream.response;
  const said = chunks.flatMap((chunk) => (chunk.type === 'text' ? chunk.text : [])).join('');
  return { response, said, chunks };
}

describe('Streamed blocks of a message', () => {
  it('keep a text whose delta has the index of a block of another kind', async () => {
    const { response, said } = await read([begin(0, CALL), text(0, 'I look.')]);
    expect(said).toBe('I look.');
    expect(response.text).toBe('I look.');
    expect(response.toolCalls).toMatchObject([{ id: 'toolu_1', args: { id: 7 } }]);
  });

  it('keep the text in the order of its chunks when blocks are interleaved', async () => {
    const blocks = [begin(0, { type: 'text', text: '' }), begin(1, { type: 'text', text: '' })];
    const { response, said } = await read([...blocks, text(0, 'a'), text(1, 'b'), text(0, 'c')]);
    expect(said).toBe('abc');
    expect(response.text).toBe('abc');
  });

  it('keep the arguments from the start of a call without an end', async () => {
    const { response, chunks } = await read([begin(0, CALL)]);
    expect(response.toolCalls).toMatchObject([{ argsText: '{"id":7}' }]);
    expect(chunks.at(-1)).toMatchObject({ type: 'tool-call', argsDelta: '{"id":7}' });
  });

  it('fail if arguments have the index of a text block', async () => {
    const delta = { type: 'input_json_delta', partial_json: '{}' };
    const events = [begin(0, { type: 'text', text: 'a' }), { ...text(0, ''), delta }];
    await expect(read(events)).rejects.toThrow(LlmResponseError);
  });

  it('keep a signature and citations if a delta contains none', async () => {
    const thought = { type: 'thinking', thinking: 'I look.', signature: 'EqQB' };
    const delta = { type: 'signature_delta', signature: null };
    const { response } = await read([
      begin(0, thought),
      { ...text(0, ''), delta },
      begin(1, { type: 'text', text: 'a', citations: [] }),
      { ...text(1, ''), delta: { type: 'citations_delta' } },
    ]);
    expect(response.message.providerData).toMatchObject({
      content: [{ signature: 'EqQB' }, { text: 'a', citations: [] }],
    });
  });
});
