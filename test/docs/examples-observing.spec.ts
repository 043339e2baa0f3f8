import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Logger } from '@nestjs/common';
import { Logger as PinoLogger, LoggerModule } from 'nestjs-pino';
import {
  CALLBACKS_OPTIONS,
  CallbacksService,
  type CallbacksModuleOptions,
  type CallbackEvent,
  LlmService,
  LoggingCallbacks,
  OnLlmEnd,
} from 'nestjs-llm-callbacks';
import type { FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { SAMPLE_EVENTS } from '../support/sample-events.js';
import { Sentry } from '../support/isolation-scopes.js';
import { AppModule, pinoOptions, sampled, verbose } from './examples/logging.js';
import { EventArchive, NumbersOnly, RedactedModule } from './examples/redaction.js';
import { RunScopes } from './examples/recipes/error-tracker.js';
import { compileLibrary } from '../support/second-process/compile.js';
import { ROOT } from './blocks.js';
import { around, closeAll, listen, logged, start } from './start.js';

afterEach(closeAll);
afterEach(() => void Sentry.captured.splice(0));

type Json = Record<string, unknown>;

describe('The recipe of nestjs-pino', () => {
  class Desk {
    readonly #logger = new Logger('Desk');

    @OnLlmEnd()
    note() {
      this.#logger.log('in a handler');
    }
  }

  @Controller()
  class Answers {
    readonly #logger = new Logger('Answers');

    constructor(
      private readonly llm: LlmService,
      private readonly callbacks: CallbacksService,
    ) {}

    @Get()
    async answer() {
      this.#logger.log('in the request');
      await this.callbacks.chain('answer', 'x', async () => {
        this.#logger.log('in a chain');
        await this.llm.generate('hi', { userId: 'ada', callbacks: [new Desk()] });
      });
      return 'done';
    }
  }

  it('binds ids to the lines of the application, and has runs as fields', async () => {
    const stream = new PassThrough();
    const url = await listen(
      {
        imports: [
          around(['x'], { callbacks: [new LoggingCallbacks({ json: true })] }),
          LoggerModule.forRootAsync({
            inject: [CallbacksService],
            useFactory: (callbacks: CallbacksService) => ({
              pinoHttp: [pinoOptions(callbacks).pinoHttp, stream] as never,
            }),
          }),
        ],
        controllers: [Answers],
      },
      (app) => app.useLogger(app.get(PinoLogger)),
    );
    stream.read();
    const headers = { authorization: 'Bearer a-secret', cookie: 'sid=a-secret' };
    await fetch(url, { headers });
    let text = '';
    while (!text.includes('request completed')) {
      await nextTurn();
      text += String(stream.read() ?? '');
    }
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Json);
    const [inRequest, inChain, call, inHandler, chain] = lines as [Json, Json, Json, Json, Json];
    expect(inRequest).toMatchObject({ msg: 'in the request', context: 'Answers' });
    expect(inRequest).not.toHaveProperty('runId');
    const ids = { requestId: inRequest['requestId'], traceId: inRequest['traceId'] };
    expect(ids.traceId).toMatch(/^[\da-f]{32}$/);
    expect(inChain).toMatchObject({ msg: 'in a chain', ...ids, runId: chain['runId'] });
    expect(inHandler).toMatchObject({
      msg: 'in a handler',
      ...ids,
      runId: call['runId'],
      parentRunId: chain['runId'],
      userId: 'ada',
    });
    expect(call).toMatchObject({ event: 'llm.end', context: 'LLM', ...ids, userId: 'ada' });
    expect(chain).toMatchObject({ event: 'chain.end', name: 'answer', ...ids });
    expect(text).not.toContain('a-secret');
  });

  it('starts as it is', async () => {
    const app = await start({ imports: [AppModule] });
    const { callbacks } = app.get<CallbacksModuleOptions>(CALLBACKS_OPTIONS);
    expect(callbacks).toHaveLength(1);
  });
});

describe('The examples of logging', () => {
  it('choose trees, and have content', async () => {
    const app = await start({ imports: [around(['one', 'two'], { callbacks: [sampled] })] });
    await app.get(LlmService).generate('hi', { tenantId: 'acme' });
    expect(logged.map((line) => (JSON.parse(line) as Json)['tenantId'])).toEqual(['acme']);
    await closeAll();
    const lines: string[] = [];
    const other = await start({ imports: [around(['an answer'], { callbacks: [verbose] })] });
    Logger.overrideLogger({
      log: () => undefined,
      warn: () => undefined,
      error: () => undefined,
      debug: (line: unknown) => void lines.push(String(line)),
    });
    await other.get(LlmService).generate('a question');
    expect(lines).toEqual([
      expect.stringContaining('a question'),
      expect.stringContaining('an answer'),
    ]);
  });
});

describe('The examples of redaction', () => {
  const IBAN = 'DE89 3704 0044 0532 0130 00';

  it('remove keys, paths and patterns', async () => {
    const app = await start({ imports: [RedactedModule] });
    const seen: CallbackEvent[] = [];
    app.get(CallbacksService).on('llm.start', (event) => void seen.push(event));
    await app.get(LlmService).generate(`My account is ${IBAN}.`, {
      metadata: { customer: { email: 'ada@example.com', iban: IBAN, plan: 'gold' } },
    });
    expect(seen[0]!.redacted('log')).toMatchObject({
      prompt: 'My account is [redacted].',
      metadata: { customer: { email: '[redacted]', iban: '[redacted]', plan: 'gold' } },
    });
  });

  it('have a redactor of their own', () => {
    const json = SAMPLE_EVENTS['llm.end'].toJSON();
    const { usage, cost, durationMs } = json;
    const redactor = new NumbersOnly();
    expect(redactor.redact(json, 'span')).toEqual({ usage, cost, durationMs });
    expect(redactor.redact(json, 'log')).toBe(json);
  });

  it('pass events on', async () => {
    const rows: unknown[] = [];
    const archive = new EventArchive({ insert: async (row) => void rows.push(row) });
    const app = await start({ imports: [around(['x'], { callbacks: [archive] })] });
    await app.get(CallbacksService).tool('login', 1, () => ({ token: 'abc', ok: true }));
    expect(rows).toEqual([
      expect.objectContaining({ type: 'tool.start' }),
      expect.objectContaining({ result: { token: '[redacted]', ok: true }, type: 'tool.end' }),
      { result: { token: '[redacted]', ok: true } },
    ]);
  });
});

describe('The recipe of nestjs-cls', () => {
  it('has the ids of the run in the store, also in parallel tools, beside what the request set', async () => {
    // A process without Jest, in which a CommonJS module cannot require Nest 12.
    const library = await compileLibrary();
    try {
      library.add('test/docs/examples/recipes/nestjs-cls.ts', 'nestjs-cls.js');
      const script = join(ROOT, 'test/support/second-process/cls-app.mjs');
      const child = fork(script, [library.folder], { execArgv: [] });
      const [{ seen, after }] = (await once(child, 'message')) as [{ seen: Json[]; after: Json }];
      const own = { isOwn: true, locale: 'de', userId: 'ada' };
      expect(seen).toEqual([own, own]);
      // Nothing of the runs is left.
      expect(after).toEqual({ locale: 'de' });
    } finally {
      library.remove();
    }
  });
});

describe('The recipe of an error tracker', () => {
  it('captures errors with the tags and the user of their run', async () => {
    const failure: FakeAnswer = new Error('away');
    const app = await start({ imports: [around([failure])], providers: [RunScopes] });
    const callbacks = app.get(CallbacksService);
    const llm = app.get(LlmService);
    const chains = ['ada', 'bob'].map((userId) =>
      callbacks.run({ userId }, () =>
        callbacks.chain(`chain of ${userId}`, 1, async () => {
          await nextTurn();
          Sentry.captureException(new Error(`in the chain of ${userId}`));
          return callbacks.current!.runId;
        }),
      ),
    );
    const [ada, bob] = await Promise.all(chains);
    await llm.generate('hi').catch(() => undefined);
    Sentry.captureException(new Error('outside'));
    expect(Sentry.captured).toEqual([
      {
        message: 'Error: in the chain of ada',
        tags: expect.objectContaining({ 'llm.run_id': ada, 'llm.client': 'default' }),
        user: { id: 'ada' },
      },
      {
        message: 'Error: in the chain of bob',
        tags: expect.objectContaining({ 'llm.run_id': bob }),
        user: { id: 'bob' },
      },
      expect.objectContaining({ tags: expect.objectContaining({ 'llm.model': 'fake' }) }),
      { message: 'Error: outside', tags: {}, user: undefined },
    ]);
  });
});
