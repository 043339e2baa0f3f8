import { afterEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import {
  AgentService,
  BudgetExceededError,
  CallbacksService,
  defineTool,
  LoggingCallbacks,
  OnLlmStart,
  type LoggingOptions,
} from 'nestjs-llm-callbacks';
import type { FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp, type TestApp } from '../support/app.js';

afterEach(closeApps);

type Line = [level: string, line: string];

/** Runs one call and returns its log. */
function logged(options: LoggingOptions, answer: FakeAnswer, call: object = {}): Promise<Line[]> {
  return loggedOf(options, answer, ({ llm }) => llm.generate('a secret prompt', call));
}

/** Runs some traced work and returns its log. */
async function loggedOf(
  options: LoggingOptions,
  answer: FakeAnswer | FakeAnswer[],
  work: (app: TestApp) => Promise<unknown>,
): Promise<Line[]> {
  const app = await startApp(
    {},
    { answers: [answer].flat(), callbacks: [new LoggingCallbacks(options)] },
  );
  const lines: Line[] = [];
  const write = (level: string) => (line: unknown) => void lines.push([level, String(line)]);
  Logger.overrideLogger({
    log: write('log'),
    debug: write('debug'),
    warn: write('warn'),
    error: write('error'),
  });
  await work(app).catch(() => undefined);
  return lines;
}

/** Runs an agent whose only tool needs approval, resumes it, and returns the log of each tool and agent. */
async function loggedApproval(options: LoggingOptions, approve: boolean): Promise<Line[]> {
  const refund = defineTool({
    name: 'refund',
    description: 'Pays back.',
    parameters: { type: 'object', properties: { to: { type: 'string' } } },
    needsApproval: true,
    execute: () => 'a secret',
  });
  const answer = { toolCalls: [{ id: 'r1', name: 'refund', args: { to: 'a secret' } }] };
  const lines = await loggedOf(options, [answer, 'Done.'], async ({ module }) => {
    const agent = module.get(AgentService).create({ name: 'desk', tools: [refund] });
    const { pending } = await agent.run('a secret goal');
    const decisions = { r1: { approve, reason: 'a secret reason' } };
    await agent.resume(pending!, decisions, { approver: 'boss' });
  });
  return lines.filter(([, line]) => !/^llm |"llm\./.test(line));
}

describe('LoggingCallbacks', () => {
  it('logs one readable line per run, without prompt or answer', async () => {
    const lines = await logged({}, 'a secret answer', { userId: 'ada' });
    expect(lines).toEqual([
      [
        'log',
        expect.stringMatching(
          /^llm fake\/fake · stop · \d+ in, \d+ out · price unknown · \d+ ms · user ada$/,
        ),
      ],
    ]);
  });

  it('logs one JSON object per run, at the configured level', async () => {
    const [[level, line] = []] = await logged({ json: true, level: 'debug' }, 'a secret answer');
    expect(level).toBe('debug');
    expect(JSON.parse(line ?? '')).toMatchObject({
      event: 'llm.end',
      name: 'fake/fake',
      cost: null,
      attempts: 1,
    });
    expect(line).not.toContain('secret');
  });

  it('logs a line of JSON even if a user id is no text', async () => {
    const logLine = async (userId: unknown) => {
      const [line] = await logged({ json: true }, 'x', { userId });
      return JSON.parse(line![1]) as object;
    };
    expect(await logLine(7n)).toMatchObject({ userId: '7' });
    expect(await logLine(new Map())).toMatchObject({ userId: '[object]' });
  });

  it('logs a cancelled agent with its name and the steps so far', async () => {
    const lines = await loggedOf({}, 'one two', async ({ module }) => {
      for await (const { type } of module.get(AgentService).stream('a secret goal'))
        if (type === 'llm.chunk') break;
    });
    expect(lines.at(-1)![1]).toMatch(/^agent default · cancelled · 0 steps · /);
  });

  it('logs an agent with its name and its steps', async () => {
    const run = ({ module }: TestApp) => module.get(AgentService).run('a secret goal');
    const lines = await loggedOf({}, 'a secret answer', run);
    expect(lines.at(-1)).toEqual([
      'log',
      expect.stringMatching(/^agent default · 1 step · \d+ in, \d+ out · price unknown · \d+ ms$/),
    ]);
  });

  it('logs failed runs as errors and aborted ones as warnings, without the provider’s message', async () => {
    expect(await logged({}, new Error('a secret'))).toEqual([
      [
        'error',
        expect.stringMatching(
          /^llm fake\/fake · LlmServerError \(server_error\) · 0 in, 0 out · \$0\.000000/,
        ),
      ],
    ]);
    expect(await logged({}, 'x', { signal: AbortSignal.abort() })).toEqual([
      ['warn', expect.stringMatching(/^llm fake\/fake · AbortError \(aborted\)/)],
    ]);
  });

  const WAITS = [
    ['log', expect.stringMatching(/^tool refund · waits for approval · \d+ ms$/)],
    ['log', expect.stringMatching(/^agent desk · waits for approval · 0 steps · /)],
  ];

  it('distinguishes a call that waits for approval from a completed one', async () => {
    const lines = await loggedApproval({}, true);
    expect(lines.slice(0, 3)).toEqual([
      ...WAITS,
      ['log', expect.stringMatching(/^tool refund · approved by boss · \d+ ms$/)],
    ]);
  });

  it('logs a denied call as a warning, not as an error', async () => {
    const lines = await loggedApproval({}, false);
    expect(lines.slice(0, 3)).toEqual([
      ...WAITS,
      ['warn', expect.stringMatching(/^tool refund · denied by boss · \d+ ms$/)],
    ]);
  });

  it('distinguishes pending, approved and denied calls in JSON, too', async () => {
    const approved = await loggedApproval({ json: true }, true);
    const denied = await loggedApproval({ json: true }, false);
    const lines = [...approved, ...denied].filter(([, line]) => line.includes('"tool.'));
    expect(lines.map(([level, line]) => [level, JSON.parse(line) as unknown])).toMatchObject([
      ['log', { event: 'tool.end', approval: 'pending' }],
      ['log', { event: 'tool.end', approval: 'approved', approver: 'boss' }],
      ['log', { event: 'tool.end', approval: 'pending' }],
      ['warn', { event: 'tool.error', approval: 'denied', approver: 'boss' }],
    ]);
    const text = JSON.stringify([approved, denied]);
    expect(text).not.toMatch(/secret|"error|ToolExecutionError|tool_execution/);
  });

  it('logs a rejection by a limit or a handler as a warning', async () => {
    class Gate {
      @OnLlmStart()
      check() {
        throw new BudgetExceededError('a secret');
      }
    }
    expect(await logged({}, 'x', { callbacks: [new Gate()] })).toEqual([
      ['warn', expect.stringMatching(/^llm fake\/fake · BudgetExceededError \(budget_exceeded\)/)],
    ]);
  });

  const secret = { text: 'a secret' };
  const work = (service: CallbacksService) => [
    service.chain('answer', secret, () => secret),
    service.retrieval(secret, () => [secret, secret], 'help-texts'),
    service.retrieval(secret, () => secret),
    service.tool('find_order', secret, () => secret),
    service.chain('broken', secret, () => Promise.reject(new TypeError('a secret'))),
  ];

  it('logs one line per chain, retrieval and tool, without input and output', async () => {
    const lines = await loggedOf({}, 'x', ({ module }) =>
      Promise.allSettled(work(module.get(CallbacksService))),
    );
    expect(lines).toEqual([
      ['log', expect.stringMatching(/^chain answer · \d+ ms$/)],
      ['log', expect.stringMatching(/^retrieval help-texts · 2 documents · \d+ ms$/)],
      ['log', expect.stringMatching(/^retrieval · \d+ ms$/)],
      ['log', expect.stringMatching(/^tool find_order · \d+ ms$/)],
      ['error', expect.stringMatching(/^chain broken · TypeError · \d+ ms$/)],
    ]);
  });

  it('logs chains, retrievals and tools as JSON objects, too', async () => {
    const lines = await loggedOf({ json: true }, 'x', ({ module }) =>
      Promise.allSettled(work(module.get(CallbacksService))),
    );
    expect(lines.map(([, line]) => JSON.parse(line) as unknown)).toMatchObject([
      { event: 'chain.end', name: 'answer' },
      { event: 'retrieval.end', name: 'help-texts', documents: 2 },
      { event: 'retrieval.end' },
      { event: 'tool.end', name: 'find_order' },
      { event: 'chain.error', name: 'broken', error: { name: 'TypeError' } },
    ]);
    expect(JSON.stringify(lines)).not.toContain('secret');
  });

  it('lets no name break the line or color the terminal', async () => {
    const [[, line] = []] = await logged({}, 'x', { userId: 'a\nERROR \u001b[31mb\u202e' });
    expect(line).toContain(String.raw`user a\nERROR \u001b[31mb`);
    expect(line).not.toMatch(/[\p{Cc}\u202e]/u);
  });
});
