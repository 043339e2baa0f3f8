import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  AgentService,
  CallbacksService,
  defineTool,
  OnAgentEnd,
  OnAnyEvent,
  OnLlmEnd,
  type CallbackEvent,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks, type FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { fromStored, toStored } from '../../src/bullmq/backend.js';
import { closeApps, startApp } from '../support/app.js';
import { manyToMany, nested, nestedText } from '../support/deep.js';
import { logs } from '../support/logs.js';
import { MemoryJobQueue } from '../support/memory-job-queue.js';

afterEach(closeApps);

const handled: CallbackEvent[] = [];
afterEach(() => void handled.splice(0));

@Injectable()
class Audit {
  @OnLlmEnd({ background: 'durable' })
  paid(event: CallbackEvent) {
    handled.push(event);
  }
  @OnAgentEnd({ background: 'durable' })
  done(event: CallbackEvent) {
    handled.push(event);
  }
}

/** A model that calls a tool with arguments of the given depth. */
function callsDeep(levels: number): FakeAnswer {
  const argsText = nestedText(levels);
  return { toolCalls: [{ name: 'look', argsText, args: JSON.parse(argsText) as unknown }] };
}

const look = defineTool({
  name: 'look',
  description: 'Looks.',
  parameters: { type: 'object' },
  execute: () => nested(3_000),
});

async function start(answers: FakeAnswer[]) {
  const queue = new MemoryJobQueue();
  const recording = new RecordingCallbacks();
  const app = await startApp(
    { providers: [Audit] },
    { answers, agent: { tools: [look] }, background: { queue }, callbacks: [recording] },
  );
  return { ...app, queue, recording };
}

describe('A job of a durable handler', () => {
  it('is stored for arguments nested 10,000 deep, and the handler is called', async () => {
    const { llm, queue, recording } = await start([callsDeep(10_000)]);
    await llm.generate('go');
    expect(queue.jobs).toHaveLength(1);
    expect(JSON.stringify(queue.jobs)).toContain('[cut: too deep]');
    await queue.work();
    expect(queue.dead).toEqual([]);
    expect(handled).toMatchObject([{ type: 'llm.end', finishReason: 'tool-calls' }]);
    expect(handled[0]).toHaveProperty('toolCalls.0.argsText', nestedText(10_000));
    expect(recording.of('callback.error')).toEqual([]);
    expect(logs).toEqual([]);
  });

  it('is stored for the end of an agent with arguments and results of 3,000 levels', async () => {
    const { module, queue, recording } = await start([
      callsDeep(3_000),
      { toolCalls: [{ name: 'look' }] },
      'done',
    ]);
    expect((await module.get(AgentService).run('go')).output).toBe('done');
    await queue.work();
    expect(queue.dead).toEqual([]);
    expect(handled.map(({ type }) => type)).toEqual(['llm.end', 'llm.end', 'llm.end', 'agent.end']);
    expect(recording.of('callback.error')).toEqual([]);
  });

  it('is stored for any metadata, and for getters that throw', async () => {
    const { module, llm, queue } = await start(['hello', 'hello']);
    const metadata = {
      deep: nested(10_000),
      many: manyToMany(6),
      get odd(): never {
        throw new Error('secret');
      },
    };
    await llm.generate('hi', { metadata, tags: ['a'] });
    await module.get(CallbacksService).run({ metadata }, () => llm.generate('hi'));
    await queue.work();
    expect(queue.dead).toEqual([]);
    expect(handled).toHaveLength(2);
    for (const event of handled) {
      expect(event.metadata['odd']).toBe('[unreadable]');
      expect(JSON.stringify(event.metadata['deep'])).toContain('[cut: too deep]');
    }
  });

  it('is read from BullMQ as it was stored', async () => {
    const { llm, queue } = await start([callsDeep(100_000)]);
    await llm.generate('go');
    const [job] = queue.jobs;
    expect(fromStored(JSON.parse(JSON.stringify(toStored(job!))))).toEqual(job);
  });
});

it('Every event of an agent with deep arguments and results can be serialized', async () => {
  const texts: string[] = [];
  class Writer {
    @OnAnyEvent() write(event: CallbackEvent) {
      texts.push(JSON.stringify(event));
    }
  }
  const { module } = await startApp(
    { providers: [Writer] },
    {
      answers: [callsDeep(10_000), { toolCalls: [{ name: 'look' }] }, 'done'],
      agent: { tools: [look] },
    },
  );
  await module.get(AgentService).run('go');
  expect(texts.map((text) => (JSON.parse(text) as CallbackEvent).type)).toContain('agent.end');
  expect(logs).toEqual([]);
});
