import { afterEach, describe, expect, it } from '@jest/globals';
import { AgentService, defineTool, ProgressReporter, type Progress } from 'nestjs-llm-callbacks';
import type { FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

const look = defineTool({ name: 'look', description: 'Looks.', execute: () => 'seen' });

async function report(answers: FakeAnswer[]) {
  const reported: Progress[] = [];
  const reporter = new ProgressReporter({ onProgress: (progress) => reported.push(progress) });
  const { module } = await startApp({}, { answers, agent: { tools: [look] } });
  const running = module.get(AgentService).run('go', { callbacks: [reporter] });
  const result = await running.catch(() => undefined);
  return { reported, result };
}

describe('ProgressReporter', () => {
  it('reports each turn, from 1, then the result', async () => {
    const { reported, result } = await report([{ toolCalls: [{ name: 'look' }] }, 'done']);
    const runId = result!.runId;
    expect(reported).toEqual([
      { runId, step: 1, action: 'tool_calls', status: 'in_progress' },
      { runId, step: 2, action: 'final', status: 'in_progress' },
      { runId, step: 2, status: 'complete', result },
    ]);
  });

  it('reports a failure in a JSON-compatible form', async () => {
    const { reported } = await report([{ toolCalls: [{ name: 'look' }] }, new Error('down')]);
    expect(reported.at(-1)).toMatchObject({
      step: 1,
      status: 'failed',
      error: { name: 'LlmServerError', code: 'server_error', retryable: true },
    });
  });

  it('is awaited by the run', async () => {
    const order: string[] = [];
    const reporter = new ProgressReporter({
      async onProgress({ status }) {
        await Promise.resolve();
        order.push(status);
      },
    });
    const { module } = await startApp({}, { answers: ['done'], callbacks: [reporter] });
    await module.get(AgentService).run('go');
    order.push('returned');
    expect(order).toEqual(['in_progress', 'complete', 'returned']);
  });
});
