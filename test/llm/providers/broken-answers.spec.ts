import { describe, expect, it } from '@jest/globals';
import {
  LlmConnectionError,
  LlmResponseError,
  type CallbacksError,
  type LlmCallOptions,
} from 'nestjs-llm-callbacks';
import { anthropic } from '../../support/wire/anthropic.js';
import {
  ask,
  costOf,
  cutStream,
  errorOf,
  events,
  hangUp,
  hangUpInAnswer,
  HELLO,
  json,
  METHODS,
  text,
  useBench,
  WIRES,
  type Method,
  type Serve,
  type WireFormat,
} from '../../support/wire/index.js';
import { openai } from '../../support/wire/openai.js';

type ErrorClass = new (message: string) => CallbacksError;
interface Row {
  what: string;
  by: readonly Method[];
  serve: (wire: WireFormat) => Serve;
  is: ErrorClass;
  /** The text received before. */
  text?: string;
}

const HTML = '<!doctype html><title>It works!</title>';
const STREAM: readonly Method[] = ['stream'];
const GENERATE: readonly Method[] = ['generate'];

const ROWS: Row[] = [
  { what: 'hangs up before headers', by: METHODS, serve: () => hangUp, is: LlmConnectionError },
  {
    what: 'hangs up after headers',
    by: GENERATE,
    serve: () => hangUpInAnswer,
    is: LlmConnectionError,
  },
  { what: 'hangs up after headers', by: STREAM, serve: () => cutStream(), is: LlmConnectionError },
  {
    what: 'hangs up mid-stream',
    by: STREAM,
    serve: (wire) => cutStream(wire.opening, wire.text('Hello')),
    is: LlmConnectionError,
    text: 'Hello',
  },
  {
    what: 'sends a chunk that is no JSON',
    by: STREAM,
    serve: (wire) => events(wire.opening, wire.text('Hello'), wire.malformed),
    is: LlmResponseError,
    text: 'Hello',
  },
  {
    what: 'ends its stream without the end marker',
    by: STREAM,
    serve: (wire) => events(...wire.streamWithoutEnd(HELLO)),
    is: LlmResponseError,
    text: 'Hello, world',
  },
  { what: 'sends an empty event stream', by: STREAM, serve: () => events(), is: LlmResponseError },
  {
    what: 'answers with a page',
    by: METHODS,
    serve: () => text(HTML, 'text/html'),
    is: LlmResponseError,
  },
  {
    what: 'answers with JSON that is none',
    by: METHODS,
    serve: () => text(HTML, 'application/json'),
    is: LlmResponseError,
  },
  {
    what: 'answers with JSON of another kind',
    by: METHODS,
    serve: () => json({ ok: true }),
    is: LlmResponseError,
  },
  {
    what: 'answers with a JSON text',
    by: GENERATE,
    serve: () => json('Hello'),
    is: LlmResponseError,
  },
  {
    what: 'answers with nothing',
    by: METHODS,
    serve: () => text('', 'application/json'),
    is: LlmResponseError,
  },
  { what: 'answers with no content', by: METHODS, serve: () => noContent, is: LlmResponseError },
];

const noContent: Serve = ({ response }) => void response.writeHead(204).end();

describe.each(WIRES)('A call of $name whose server', (wire) => {
  const bench = useBench(wire);
  const rows = ROWS.flatMap((row) => row.by.map((method) => ({ ...row, method })));

  it.each(rows)(
    '$what fails as $is.name, by $method',
    async ({ method, serve, is, text: partial = '' }) => {
      bench.server.answers(serve(wire));
      const error = await errorOf(ask(bench.llm, method));

      expect(error.constructor).toBe(is);
      const [event] = bench.recording.of('llm.error');
      expect(event).toMatchObject({ error, aborted: false, text: partial });
      expect(event!.usage.outputTokens > 0).toBe(partial !== '');
      expect(event!.cost).toBeCloseTo(costOf(wire, event!.usage), 12);
      expect(bench.costs).toMatchObject({ requestCount: 1, totalCost: event!.cost });
      expect(event!.attempts).toMatchObject([{ error }]);
    },
  );

  it('is unreachable fails as LlmConnectionError', async () => {
    await bench.server.close();
    const options: LlmCallOptions = { timeoutMs: 10_000 };
    for (const method of METHODS) {
      const error = await errorOf(ask(bench.llm, method, 'Hi', options));
      expect(error).toBeInstanceOf(LlmConnectionError);
      expect(error).toMatchObject({ code: 'connection', retryable: true });
    }
    expect(bench.recording.of('llm.error')).toHaveLength(2);
  });
});

// The Responses API reports usage only in its last event.
describe.each([openai, anthropic])('A stream of $name', (wire) => {
  const bench = useBench(wire);

  it('whose connection is lost after the server reported usage is charged that usage', async () => {
    bench.server.answers(cutStream(...wire.stream(HELLO).slice(0, -1)));
    await errorOf(ask(bench.llm, 'stream'));
    const [event] = bench.recording.of('llm.error');
    expect(event).toMatchObject({ text: 'Hello, world' });
    expect(event!.usage).toMatchObject({
      inputTokens: 1_000,
      outputTokens: 500,
      source: 'provider',
    });
    expect(event!.cost).toBeCloseTo(costOf(wire, event!.usage), 12);
  });
});
