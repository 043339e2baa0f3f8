import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ForbiddenException } from '@nestjs/common';
import { AgentService, CallbackAbort, LlmService } from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { json, WireServer } from '../support/wire/index.js';
import { openai } from '../support/wire/openai.js';
import { Trace } from './examples/any-event.js';
import { Narrator } from './examples/callbacks-class.js';
import { RefundLog, Refunds } from './examples/custom-events.js';
import { Collector, Gate, Reporting } from './examples/handlers.js';
import { AppModule as Scoped, Desk, received } from './examples/scopes.js';
import { AnswersController, Archive, TalesController } from './examples/sse.js';
import { firstWords, kinds, write } from './examples/streams.js';
import { around, closeAll, listen, logged, serve, start } from './start.js';

const STORY = 'Once upon a time.';
let written = '';

beforeEach(() => {
  written = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written += String(text);
    return true;
  });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await closeAll();
});

it('The quick start prints the answer and its cost', async () => {
  const server = await WireServer.listen();
  const usage = { input: 9, output: 21 };
  server.answers(json(openai.answer({ model: 'gpt-5-mini', text: 'Hello.', usage })));
  jest.replaceProperty(process, 'env', {
    OPENAI_API_KEY: 'key',
    OPENAI_BASE_URL: `${server.origin}/v1`,
  });
  const lines: string[] = [];
  const done = new Promise<void>((resolve) => {
    jest.spyOn(console, 'log').mockImplementation((line: string) => {
      if (lines.push(line) === 2) resolve();
    });
  });

  await import('./examples/quick-start.js');
  await done;
  await server.close();

  expect(lines).toEqual(['gpt-5-mini: 30 tokens, $0.000044', 'Hello.']);
});

describe('The examples of callbacks', () => {
  it('handle an event of the application, which a tool emits', async () => {
    const answers = [
      { toolCalls: [{ name: 'refund', args: { orderId: 'A7' } }] },
      'Your money is back.',
    ];
    const app = await start({ imports: [around(answers)], providers: [Refunds, RefundLog] });

    const agent = app.get(AgentService).create({ tools: [Refunds] });
    await agent.run('I want my money back.', { userId: 'ada' });

    expect(app.get(RefundLog).lines).toEqual(['A7 for ada']);
  });

  it('are methods of a class', async () => {
    const narrator = new Narrator();
    const app = await start({ imports: [around(['answer'])] });

    await app.get(LlmService).generate('hello', { callbacks: [narrator] });

    expect(narrator.lines).toEqual([
      'starting: hello',
      expect.stringMatching(/^complete: \d+ tokens$/),
    ]);
  });

  it('handle every event', async () => {
    const app = await start({ imports: [around(['answer', new Error('x')])], providers: [Trace] });

    await app.get(LlmService).generate('hello');
    await expect(app.get(LlmService).generate('hello')).rejects.toThrow('x');

    expect(logged.map((line) => line.split(' ')[1])).toEqual([
      'llm.start',
      'stop',
      'llm.start',
      'server_error',
    ]);
  });

  it('are registered on four levels', async () => {
    const app = await start({ imports: [Scoped] });

    await app.get(Desk).answer('What now?');
    await app.get(LlmService).generate('And now?');

    expect(received).toEqual([
      'first: support',
      'listed: support',
      'global: support',
      'scope: support',
      'instance: support',
      'call: support',
      'listed: default',
      'global: default',
    ]);
  });
});

describe('The example of a handler', () => {
  it('can reject a call', async () => {
    const app = await start({ imports: [around(['1', '2'])], providers: [Gate] });
    const llm = app.get(LlmService);
    const long = Array.from({ length: 51 }, () => ({ role: 'user' as const, content: 'hm' }));

    await expect(llm.generate('hello')).rejects.toBeInstanceOf(ForbiddenException);
    await expect(llm.generate(long, { userId: 'ada' })).rejects.toBeInstanceOf(CallbackAbort);
    expect((await llm.generate('hello', { userId: 'ada' })).text).toBe('1');
  });

  it('can stop a stream', async () => {
    const recording = new RecordingCallbacks();
    const app = await start({
      imports: [around(['on and '.repeat(3_000)], { callbacks: [recording] })],
      providers: [Gate],
    });

    const reading = app.get(LlmService).stream('hello', { userId: 'ada' }).response;

    await expect(reading).rejects.toThrow('no end');
    expect(recording.of('llm.error')[0]?.text).toMatch(/^on and/);
  });

  it('is awaited no longer than its timeoutMs', async () => {
    let signal: AbortSignal | undefined;
    const send: Collector['send'] = (_event, given) => {
      signal = given;
      return new Promise(() => undefined);
    };
    const app = await start({
      imports: [around(['answer'])],
      providers: [Reporting, { provide: Collector, useValue: { send } }],
    });

    expect((await app.get(LlmService).generate('hello')).text).toBe('answer');
    expect(signal?.aborted).toBe(true);
    expect(logged[0]).toContain('Reporting.report took longer than its timeoutMs of 500');
  });
});

describe('The example of a stream', () => {
  it('is read as text or in chunks', async () => {
    const app = await start({ imports: [around([STORY, STORY])] });
    const llm = app.get(LlmService);

    expect((await write(llm)).finishReason).toBe('stop');
    expect(written).toBe(STORY);
    expect(await kinds(llm)).toEqual(['text', 'text', 'text', 'text']);
  });

  it('can be stopped early', async () => {
    const app = await start({ imports: [around([STORY])] });

    const { finishReason, text } = await firstWords(app.get(LlmService));

    expect([finishReason, text]).toEqual(['cancelled', 'Once']);
  });

  it('is sent by toSse(), with the outcome', async () => {
    const url = await serve(around([STORY]), [TalesController]);

    const body = await (await fetch(`${url}/tales?about=cats`)).text();

    expect(body.match(/^data: .*$/gm)?.[0]).toBe('data: {"type":"text","text":"Once"}');
    expect(body).toContain('event: done\n');
  });

  it('can be stored once in addition', async () => {
    const saved: unknown[] = [];
    const save = async (...answer: unknown[]) => void saved.push(answer);
    const url = await listen({
      imports: [around(['It was sent.', 'never'])],
      controllers: [AnswersController],
      providers: [{ provide: Archive, useValue: { save } }],
    });

    await (await fetch(`${url}/answers?question=where`)).text();
    const headers = { 'last-event-id': '3' };
    const again = await fetch(`${url}/answers?question=where`, { headers });

    expect(again.status).toBe(204);
    expect(saved).toEqual([['where', 'It was sent.']]);
  });
});
