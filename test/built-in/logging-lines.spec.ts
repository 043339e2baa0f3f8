import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ConsoleLogger, Logger, type LoggerService } from '@nestjs/common';
import { LoggerModule, Logger as PinoLogger } from 'nestjs-pino';
import {
  AgentService,
  BindContext,
  BudgetExceededError,
  CallbacksService,
  type CallbackEvent,
  type CallbacksModuleOptions,
  defineTool,
  LoggingCallbacks,
  type LoggingOptions,
  OnLlmStart,
} from 'nestjs-llm-callbacks';
import type { FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp, type TestApp } from '../support/app.js';

afterEach(closeApps);
afterEach(() => void jest.restoreAllMocks());

type Json = Record<string, unknown>;
type Work = (app: TestApp) => Promise<unknown>;

interface Written {
  readonly level: string;
  readonly line: unknown;
}

interface Setup extends Pick<CallbacksModuleOptions, 'redact' | 'callbacks'> {
  readonly answers?: FakeAnswer[];
}

/** What Nest's logger is given. */
function collect(): { written: Written[]; logger: LoggerService } {
  const written: Written[] = [];
  const write = (level: string) => (line: unknown) => void written.push({ level, line });
  const logger = {
    log: write('log'),
    debug: write('debug'),
    verbose: write('verbose'),
    warn: write('warn'),
    error: write('error'),
  };
  return { written, logger };
}

async function loggedOf(
  options: LoggingOptions,
  work: Work,
  { callbacks = [], ...setup }: Setup = {},
): Promise<Written[]> {
  const app = await startApp(
    {},
    { ...setup, callbacks: [...callbacks, new LoggingCallbacks(options)] },
  );
  const { written, logger } = collect();
  Logger.overrideLogger(logger);
  await work(app).catch(() => undefined);
  return written;
}

async function jsonOf(...args: Parameters<typeof loggedOf>): Promise<Json[]> {
  const written = await loggedOf({ json: true, ...args[0] }, args[1], args[2]);
  return written.map(({ line }) => JSON.parse(JSON.stringify(line)) as Json);
}

const ask: Work = ({ llm }) => llm.generate('a prompt', { userId: 'ada' });
const FORGERY = '\r\n\u001b[32mFORGED [Nest] 1 - LOG all is well\u001b[0m\u202e\u2028\u0085FORGED';
const UNSAFE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

const find = defineTool({
  name: 'find',
  description: 'Finds.',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
  execute: () => ({ found: 'a result' }),
});

/** An agent that calls one tool. */
const search: Work = ({ module }) =>
  module
    .get(AgentService)
    .create({ name: 'desk', tools: [find] })
    .run('a goal');
const searched: FakeAnswer[] = [
  { toolCalls: [{ id: 'c1', name: 'find', args: { city: 'Ulm' } }] },
  'an answer',
];

describe('A line of JSON', () => {
  it('has the ids of its run, and its numbers', async () => {
    const [tool, agent] = (
      await jsonOf(
        {},
        ({ module }) =>
          module
            .get(CallbacksService)
            .run({ userId: 'ada', tenantId: 'acme' }, () => search({ module } as TestApp)),
        { answers: searched },
      )
    ).filter(({ event }) => event === 'tool.end' || event === 'agent.end');
    const ids = {
      requestId: tool!['requestId'],
      traceId: tool!['traceId'],
      userId: 'ada',
      tenantId: 'acme',
    };
    expect(tool).toEqual({
      event: 'tool.end',
      msg: 'tool find',
      name: 'find',
      runId: expect.any(String),
      parentRunId: agent!['runId'],
      ...ids,
      durationMs: expect.any(Number),
    });
    expect(tool!['traceId']).toMatch(/^[\da-f]{32}$/);
    expect(agent).toMatchObject({
      event: 'agent.end',
      msg: 'agent desk',
      name: 'desk',
      ...ids,
      steps: 2,
      usage: { inputTokens: expect.any(Number), source: 'estimated' },
      cost: null,
    });
    expect(agent).not.toHaveProperty('parentRunId');
  });

  it('has event, durationMs, usage, cost, finishReason and error.code', async () => {
    expect(await jsonOf({}, ask)).toEqual([
      {
        event: 'llm.end',
        msg: 'llm fake/fake · stop',
        name: 'fake/fake',
        runId: expect.any(String),
        requestId: expect.any(String),
        traceId: expect.any(String),
        userId: 'ada',
        finishReason: 'stop',
        durationMs: expect.any(Number),
        usage: expect.objectContaining({ inputTokens: expect.any(Number), source: 'estimated' }),
        cost: null,
        attempts: 1,
      },
    ]);
    expect(await jsonOf({}, ask, { answers: [new Error('a secret')] })).toMatchObject([
      {
        event: 'llm.error',
        msg: 'llm fake/fake · LlmServerError (server_error)',
        error: { name: 'LlmServerError', code: 'server_error', retryable: true },
      },
    ]);
  });

  it('has the id of the span that @BindContext() gave the run', async () => {
    class Spans {
      @BindContext()
      bind() {
        return { bind: <T>(work: () => T) => work(), spanId: '00f067aa0ba902b7' };
      }
    }
    const lines = await jsonOf({}, ask, { callbacks: [new Spans()] });
    expect(lines).toMatchObject([{ spanId: '00f067aa0ba902b7' }]);
  });

  it('is one line of Nest’s own logger, in plain text and in color', async () => {
    for (const colors of [false, true]) {
      const app = await startApp({}, { callbacks: [new LoggingCallbacks({ json: true })] });
      const output: string[] = [];
      jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
        output.push(String(text));
        return true;
      });
      Logger.overrideLogger(new ConsoleLogger({ colors }));
      await app.llm.generate('hi', { userId: FORGERY });
      jest.restoreAllMocks();
      expect(output).toHaveLength(1);
      const [line] = output;
      expect(line!.split('\n')).toHaveLength(2);
      const json = JSON.parse(line!.slice(line!.indexOf('{'))) as Json;
      expect(json).toMatchObject({ event: 'llm.end', name: 'fake/fake' });
    }
  });

  it('is in the message of Nest’s own logger that writes JSON', async () => {
    const app = await startApp({}, { callbacks: [new LoggingCallbacks({ json: true })] });
    const output: string[] = [];
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      output.push(String(text));
      return true;
    });
    Logger.overrideLogger(new ConsoleLogger({ json: true }));
    await ask(app);
    jest.restoreAllMocks();
    expect(output).toHaveLength(1);
    expect(JSON.parse(output[0]!)).toMatchObject({
      level: 'log',
      context: 'LLM',
      message: { event: 'llm.end', userId: 'ada', usage: { inputTokens: expect.any(Number) } },
    });
  });
});

describe('nestjs-pino', () => {
  it('has the fields at the top level, at its own levels', async () => {
    const stream = new PassThrough();
    const app = await startApp(
      { imports: [LoggerModule.forRoot({ pinoHttp: [{ level: 'trace' }, stream] })] },
      {
        answers: ['x', new Error('a secret')],
        callbacks: [new LoggingCallbacks({ json: true, level: 'debug' })],
      },
    );
    Logger.overrideLogger(app.module.get(PinoLogger));
    await app.llm.generate('hi', { userId: `ada${FORGERY}` });
    await app.llm.generate('hi').catch(() => undefined);
    const text = String(stream.read());
    const lines = text.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as Json)).toEqual([
      expect.objectContaining({
        level: 20,
        context: 'LLM',
        msg: 'llm fake/fake · stop',
        event: 'llm.end',
        userId: String.raw`ada\u000d\n\u001b[32mFORGED [Nest] 1 - LOG all is well\u001b[0m\u202e\u2028\u0085FORGED`,
        usage: expect.objectContaining({ inputTokens: expect.any(Number) }),
        cost: null,
      }),
      expect.objectContaining({
        level: 50,
        event: 'llm.error',
        error: { name: 'LlmServerError', code: 'server_error', retryable: true },
      }),
    ]);
    expect(text.replaceAll('\n', '')).not.toMatch(UNSAFE);
  });
});

describe('steps: true', () => {
  it('writes a line for each turn of an agent', async () => {
    const lines = await loggedOf({ steps: true }, search, { answers: searched });
    const steps = lines.map(({ line }) => String(line)).filter((line) => line.includes('· step '));
    expect(steps).toEqual([
      expect.stringMatching(
        /^agent desk · step 1 · 1 tool call · \d+ in, \d+ out · price unknown$/,
      ),
      expect.stringMatching(/^agent desk · step 2 · \d+ in, \d+ out · price unknown$/),
    ]);
    const json = await jsonOf({ steps: true }, search, { answers: searched });
    expect(json.filter(({ event }) => event === 'agent.step')).toMatchObject([
      { step: 1, toolCalls: 1, name: 'desk', usage: { source: 'estimated' }, cost: null },
      { step: 2, toolCalls: 0 },
    ]);
    expect(JSON.stringify(json)).not.toMatch(/a goal|a result|an answer|Ulm/);
  });
});

describe('content: true', () => {
  const contentOf = (lines: Json[], name: string) =>
    lines.find(({ event }) => event === name)?.['content'];

  it('writes what went in when a run starts, and what came out when it ends', async () => {
    const lines = await jsonOf({ content: true, steps: true }, search, { answers: searched });
    expect(contentOf(lines, 'agent.start')).toEqual({ goal: 'a goal' });
    expect(contentOf(lines, 'llm.start')).toEqual({
      messages: JSON.stringify([{ role: 'user', content: 'a goal' }]),
    });
    expect(contentOf(lines, 'tool.start')).toEqual({ args: '{"city":"Ulm"}' });
    expect(contentOf(lines, 'tool.end')).toEqual({ result: '{"found":"a result"}' });
    expect(contentOf(lines, 'agent.step')).toMatchObject({
      toolCalls: expect.stringContaining('Ulm'),
      toolResults: expect.stringContaining('a result'),
    });
    expect(contentOf(lines, 'agent.end')).toEqual({ output: 'an answer' });
  });

  it('writes it on readable lines, too', async () => {
    const lines = await loggedOf({ content: true }, ask, { answers: ['an answer'] });
    expect(lines.map(({ line }) => line)).toEqual([
      'llm fake/fake · starts · user ada · messages [{"role":"user","content":"a prompt"}]',
      expect.stringMatching(/^llm fake\/fake · stop · .* · user ada · text an answer$/),
    ]);
  });

  it('writes messages of errors, and data of custom events', async () => {
    const lines = await jsonOf({ content: true }, async ({ module }) => {
      const callbacks = module.get(CallbacksService);
      await callbacks.emit('ticket', { id: 7 });
      await callbacks.chain('broken', 1, () => Promise.reject(new TypeError('no disk')));
    });
    expect(contentOf(lines, 'custom')).toEqual({ data: '{"id":7}' });
    expect(lines.at(-1)).toMatchObject({ error: { name: 'TypeError', message: 'no disk' } });
  });

  it('is redacted and cut', async () => {
    const key = 'sk-proj-abcdef1234567890';
    const answers = [`${key} ${'x'.repeat(10_000)}`];
    const lines = await jsonOf({ content: true }, ask, { answers });
    const { text } = contentOf(lines, 'llm.end') as { text: string };
    expect(text).toHaveLength(2_001);
    expect(text).toMatch(/^\[redacted\] x+…$/);
    const [, end] = await loggedOf({ content: true }, ask, { answers });
    expect(String(end!.line)).not.toContain(key);
    expect(String(end!.line).length).toBeLessThan(500);
  });

  it('is whole with redact: false', async () => {
    const answers = ['token sk-proj-abcdef1234567890'];
    const [, end] = await loggedOf({ content: true }, ask, { answers, redact: false });
    expect(String(end!.line)).toContain('text token sk-proj-abcdef1234567890');
  });

  it('starts no line that was not written', async () => {
    for (const json of [false, true]) {
      const written = await loggedOf(
        { content: true, json },
        ({ llm }) => llm.generate(FORGERY, { userId: FORGERY }),
        { answers: [FORGERY] },
      );
      expect(written).toHaveLength(2);
      for (const { line } of written) expect(String(line)).not.toMatch(UNSAFE);
    }
  });
});

describe('sample', () => {
  const many: Work = async ({ module }) => {
    const callbacks = module.get(CallbacksService);
    for (let i = 0; i < 200; i++) {
      await callbacks.chain('outer', i, async () => {
        await callbacks.chain('inner', i, () => 'x');
        await callbacks.tool('tool', i, () => 'x');
      });
    }
  };
  const rootOf = ({ runId, parentRunId }: Json) => (parentRunId ?? runId) as string;

  it.each([0.25, 0.5])('%d is a share of the trees, each whole or not at all', async (sample) => {
    const lines = await jsonOf({ sample }, many);
    const roots = new Set(lines.map(rootOf));
    expect(roots.size / 200).toBeGreaterThan(sample - 0.15);
    expect(roots.size / 200).toBeLessThan(sample + 0.15);
    for (const root of roots) expect(lines.filter((line) => rootOf(line) === root)).toHaveLength(3);
  });

  it('is a function that decides once for each tree, with its first event', async () => {
    const asked: CallbackEvent[] = [];
    const sample = (event: CallbackEvent) => asked.push(event) % 2 === 0;
    const lines = await jsonOf({ sample }, many);
    expect(asked).toHaveLength(200);
    for (const event of asked)
      expect(event).toMatchObject({ type: 'chain.start', chainName: 'outer' });
    expect(lines).toHaveLength(300);
    expect(new Set(lines.map(rootOf)).size).toBe(100);
  });

  it('that throws lets the tree be logged', async () => {
    const sample = () => {
      throw new Error('no');
    };
    expect(await jsonOf({ sample }, ask)).toHaveLength(1);
  });

  it('never omits errors and refusals', async () => {
    class Gate {
      @OnLlmStart()
      check() {
        throw new BudgetExceededError('no');
      }
    }
    for (const sample of [0, () => false]) {
      expect(await loggedOf({ sample }, ask)).toEqual([]);
      const failed = await loggedOf({ sample }, ask, { answers: [new Error('no')] });
      expect(failed).toMatchObject([{ level: 'error' }]);
      const refused = await loggedOf({ sample }, ask, { callbacks: [new Gate()] });
      expect(refused).toMatchObject([{ level: 'warn' }]);
    }
  });
});

describe('A line', () => {
  it('has names and ids redacted by the paths and keys of the application', async () => {
    const redact = { paths: ['userId', 'model'], keys: ['tenantId'] };
    const call: Work = ({ llm }) => llm.generate('hi', { userId: 'ada', tenantId: 'acme' });
    expect(await jsonOf({}, call, { redact })).toMatchObject([
      { name: 'fake/[redacted]', userId: '[redacted]', tenantId: '[redacted]' },
    ]);
  });

  it('has the ids of its run, and says so, if the redactor fails', async () => {
    const redact = {
      redact() {
        throw new Error('no');
      },
    };
    for (const content of [false, true]) {
      const lines = await jsonOf({ content }, ask, { redact });
      const line = lines.find(({ event }) => event === 'llm.end');
      expect(line).toMatchObject({
        msg: 'llm · [redactor failed]',
        runId: expect.any(String),
        usage: { source: 'estimated' },
      });
      expect(line).not.toHaveProperty('userId');
    }
  });

  it.each<[object, string]>([
    [{ jsn: true }, 'LoggingCallbacks has no option "jsn"; did you mean "json"?'],
    [{ json: 1 }, 'LoggingCallbacks: json must be true or false, not a number.'],
    [{ level: 'info' }, "LoggingCallbacks: level must be 'log', 'debug' or 'verbose'."],
    [{ sample: 2 }, 'LoggingCallbacks: sample must be a number from 0 to 1, or a function.'],
    [{ sample: NaN }, 'LoggingCallbacks: sample must be a number from 0 to 1, or a function.'],
    [[], 'LoggingCallbacks takes an object of options, not a list.'],
  ])('cannot be configured by %j', (options, message) => {
    expect(() => new LoggingCallbacks(options)).toThrow(message);
  });
});
