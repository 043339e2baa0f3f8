import { describe, expect, it } from '@jest/globals';
import { LlmServerError } from 'nestjs-llm-callbacks';
import { anthropic, frame } from '../support/wire/anthropic.js';
import {
  ask,
  cutStream,
  errorOf,
  events,
  HELLO,
  stalled,
  text,
  useBench,
  WIRES,
} from '../support/wire/index.js';
import { openai } from '../support/wire/openai.js';

describe.each(WIRES)('An event stream of $name', (wire) => {
  const bench = useBench(wire);
  const hello = { text: 'Hello, world', finishReason: 'stop', usage: { totalTokens: 1_500 } };

  it('may have comments, retry times, ids and a byte order mark', async () => {
    const frames = wire.stream(HELLO).map((sent) => `: alive\n\nretry: 10\nid: 7\n${sent}`);
    bench.server.answers(events('\ufeff', ...frames));
    expect(await ask(bench.llm, 'stream')).toMatchObject(hello);
  });

  it('may end its lines as old systems do', async () => {
    for (const lineEnd of ['\r\n', '\r']) {
      bench.server.answers(
        events(...wire.stream(HELLO).map((sent) => sent.replaceAll('\n', lineEnd))),
      );
      expect(await ask(bench.llm, 'stream')).toMatchObject(hello);
    }
  });

  it('may have parameters in its content type', async () => {
    const body = wire.stream(HELLO).join('');
    bench.server.answers(text(body, 'text/event-stream; charset=utf-8'));
    expect(await ask(bench.llm, 'stream')).toMatchObject(hello);
  });

  it('may lack the content type', async () => {
    bench.server.answers(text(wire.stream(HELLO).join(''), 'text/plain'));
    expect(await ask(bench.llm, 'stream')).toMatchObject(hello);
  });

  it('is over with its end marker, even if the connection stays open or is lost', async () => {
    bench.server.answers(stalled(...wire.stream(HELLO)), cutStream(...wire.stream(HELLO)));
    expect(await ask(bench.llm, 'stream')).toMatchObject(hello);
    expect(await ask(bench.llm, 'stream')).toMatchObject(hello);
    expect(await bench.server.exchanges[0]!.aborted).toBe(true);
  });

  it('may lack the last blank line', async () => {
    const frames = wire.stream(HELLO);
    bench.server.answers(events(...frames.slice(0, -1), frames.at(-1)!.trimEnd()));
    expect(await ask(bench.llm, 'stream')).toMatchObject(hello);
  });
});

describe('An event stream', () => {
  describe('of openai', () => {
    const bench = useBench(openai);

    it('may hold chunks without a choice, a delta or content', async () => {
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
  });

  describe('of anthropic', () => {
    const bench = useBench(anthropic);

    it('may hold events and blocks of kinds that are not known yet', async () => {
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

    it('may say in plain text what went wrong', async () => {
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
