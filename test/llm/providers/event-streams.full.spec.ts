import { describe, expect, it } from '@jest/globals';
import {
  LlmInvalidRequestError,
  LlmRateLimitError,
  LlmResponseError,
  LlmServerError,
} from 'nestjs-llm-callbacks';
import { anthropic, block, frame } from '../../support/wire/anthropic.js';
import {
  ask,
  cutStream,
  errorOf,
  events,
  HELLO,
  inPieces,
  readAll,
  stalled,
  text,
  useBench,
  WIRES,
} from '../../support/wire/index.js';
import { openai } from '../../support/wire/openai.js';

describe.each(WIRES)('An event stream of $name', (wire) => {
  const bench = useBench(wire);
  const hello = { text: 'Hello, world', finishReason: 'stop', usage: { totalTokens: 1_500 } };

  it('can have comments, retry times, ids and a byte order mark', async () => {
    const frames = wire.stream(HELLO).map((sent) => `: alive\n\nretry: 10\nid: 7\n${sent}`);
    bench.server.answers(events('\ufeff', ...frames));
    expect(await ask(bench.llm, 'stream')).toMatchObject(hello);
  });

  it('can end its lines with CR or CRLF', async () => {
    for (const lineEnd of ['\r\n', '\r']) {
      bench.server.answers(
        events(...wire.stream(HELLO).map((sent) => sent.replaceAll('\n', lineEnd))),
      );
      expect(await ask(bench.llm, 'stream')).toMatchObject(hello);
    }
  });

  it('can have parameters in its content type', async () => {
    const body = wire.stream(HELLO).join('');
    bench.server.answers(text(body, 'text/event-stream; charset=utf-8'));
    expect(await ask(bench.llm, 'stream')).toMatchObject(hello);
  });

  it('can lack the content type', async () => {
    bench.server.answers(text(wire.stream(HELLO).join(''), 'text/plain'));
    expect(await ask(bench.llm, 'stream')).toMatchObject(hello);
  });

  it('ends with its end marker, even if the connection stays open or is lost', async () => {
    bench.server.answers(stalled(...wire.stream(HELLO)), cutStream(...wire.stream(HELLO)));
    expect(await ask(bench.llm, 'stream')).toMatchObject(hello);
    expect(await ask(bench.llm, 'stream')).toMatchObject(hello);
    expect(await bench.server.exchanges[0]!.aborted).toBe(true);
  });

  it('can have events without data, and pings that are not JSON', async () => {
    const signs = 'event: ping\n\ndata:\n\nevent: ping\ndata:\n\nevent: ping\ndata: alive\n\n';
    bench.server.answers(events(...wire.stream(HELLO).map((sent) => signs + sent)));
    expect(await ask(bench.llm, 'stream')).toMatchObject(hello);
  });

  it('fails when an event without a name is not JSON, because a part of the answer may be lost', async () => {
    bench.server.answers(events('data: alive\n\n', ...wire.stream(HELLO)));
    expect(await errorOf(ask(bench.llm, 'stream'))).toBeInstanceOf(LlmResponseError);
  });

  it('can have bytes that are not valid UTF-8', async () => {
    const sent = wire.stream({ ...HELLO, text: 'Hello, world|' }).join('');
    const bytes = Buffer.from(sent.replaceAll('|', '\xe2\x82'), 'latin1');
    bench.server.answers(inPieces([bytes]));
    expect(await ask(bench.llm, 'stream')).toMatchObject({ text: 'Hello, world\ufffd' });
  });

  it('can lack the last blank line', async () => {
    const frames = wire.stream(HELLO);
    bench.server.answers(events(...frames.slice(0, -1), frames.at(-1)!.trimEnd()));
    expect(await ask(bench.llm, 'stream')).toMatchObject(hello);
  });
});

describe('An event stream', () => {
  describe('of openai', () => {
    const bench = useBench(openai);

    it('can have chunks without a choice, a delta or content', async () => {
      const odd = [
        {},
        { choices: [] },
        { choices: [{ index: 0 }] },
        { choices: [{ delta: { content: null } }] },
      ];
      bench.server.answers(
        events(...odd.map((data) => `data: ${JSON.stringify(data)}\n\n`), ...openai.stream(HELLO)),
      );
      expect(await ask(bench.llm, 'stream')).toMatchObject({ text: 'Hello, world' });
      expect(bench.recording.of('llm.chunk')).toHaveLength(1);
    });

    const done = [' ', '\ndata:', ', says the server'].map((more) => `data: [DONE]${more}\n\n`);
    it.each(done)('can have more text in its end marker: %j', async (marker) => {
      const frames = openai.stream(HELLO).slice(0, -1);
      bench.server.answers(events(...frames, marker, 'data: oops\n\n'));
      expect(await ask(bench.llm, 'stream')).toMatchObject({ text: 'Hello, world' });
    });

    // The standard drops that event; the answer is complete, so that only the usage is missing.
    it('can break off within the last event, after the finish reason', async () => {
      const frames = openai.stream({ ...HELLO, usage: null }).slice(0, -1);
      bench.server.answers(events(...frames, 'data: {"id": "chatcmpl-1", "cho'));
      expect(await ask(bench.llm, 'stream')).toMatchObject({
        text: 'Hello, world',
        finishReason: 'stop',
      });
    });

    it.each([
      ['a text', '"out of memory"', LlmServerError, 'out of memory'],
      ['a status', '{"code": 429, "message": "slowly"}', LlmRateLimitError, 'slowly'],
      ['a status', '{"code": 400, "message": "no"}', LlmInvalidRequestError, 'no'],
    ])('can send %s as its error: %s', async (_what, error, is, message) => {
      const sent = `data: {"error": ${error}}\n\n`;
      bench.server.answers(events(openai.opening, openai.text('Hello'), sent));
      const thrown = await errorOf(ask(bench.llm, 'stream'));
      expect(thrown.constructor).toBe(is);
      expect(thrown.cause).toMatchObject({ message });
    });
  });

  describe('of anthropic', () => {
    const bench = useBench(anthropic);

    it('can have events and blocks of unknown kinds', async () => {
      const [start, ...rest] = anthropic.stream(HELLO);
      const unknown = {
        type: 'content_block_start',
        index: 9,
        content_block: { type: 'hologram', light: 1 },
      };
      const delta = {
        type: 'content_block_delta',
        index: 9,
        delta: { type: 'hologram_delta', light: 2 },
      };
      bench.server.answers(
        events(
          start!,
          ...[{ type: 'ping' }, { type: 'new_event' }, unknown, delta].map(frame),
          ...rest,
        ),
      );
      const { text: said, message } = await ask(bench.llm, 'stream');
      expect(said).toBe('Hello, world');
      expect(message.providerData).toMatchObject({
        content: expect.arrayContaining([{ type: 'hologram', light: 1 }]),
      });
    });

    it('can have the start of a block, or all of its arguments, in the block start event', async () => {
      const [start, ...rest] = anthropic.stream({ finish: 'tool-calls' });
      const tool = { type: 'tool_use', id: 'toolu_1', name: 'lookup', input: { city: 'Bonn' } };
      bench.server.answers(
        ...['whole', 'uncollected'].map(() =>
          events(
            start!,
            ...block(0, { type: 'text', text: 'Hello' }, { type: 'text_delta', text: ', world' }),
            ...block(1, tool),
            ...rest,
          ),
        ),
      );
      const toolCalls = [{ id: 'toolu_1', name: 'lookup', args: { city: 'Bonn' } }];
      const stream = bench.llm.stream('Hi');
      expect(await readAll(stream)).toMatchObject([
        { type: 'text', text: 'Hello' },
        { type: 'text', text: ', world' },
        { type: 'tool-call', id: 'toolu_1', name: 'lookup' },
        { type: 'tool-call', argsDelta: '{"city":"Bonn"}' },
      ]);
      expect(await stream.response).toMatchObject({ text: 'Hello, world', toolCalls });
      const uncollected = await ask(bench.llm, 'stream', 'Hi', { collect: false });
      expect(uncollected).toMatchObject({ text: '', toolCalls });
    });

    it('can send an error in plain text', async () => {
      bench.server.answers(
        events(
          anthropic.opening,
          anthropic.text('Hello'),
          'event: error\ndata: upstream is gone\n\n',
        ),
      );
      const error = await errorOf(ask(bench.llm, 'stream'));
      expect(error).toBeInstanceOf(LlmServerError);
      expect(error.cause).toMatchObject({ message: 'upstream is gone' });
    });
  });
});
