import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  AgentService,
  BudgetExceededError,
  CallbacksService,
  defineTool,
  InterceptAgent,
  InterceptTool,
  type AgentNext,
  type AgentResult,
  type InterceptedAgentCall,
  type InterceptedToolCall,
  type ToolNext,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks, type FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { defer } from '../../src/util/promises.js';
import { closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

type AroundTool = (call: InterceptedToolCall, next: ToolNext) => unknown;
type AroundAgent = (call: InterceptedAgentCall, next: AgentNext) => unknown;

class Tools {
  constructor(private readonly intercept: AroundTool) {}
  @InterceptTool() around(call: InterceptedToolCall, next: ToolNext) {
    return this.intercept(call, next);
  }
}
class Agents {
  constructor(private readonly intercept: AroundAgent) {}
  @InterceptAgent() around(call: InterceptedAgentCall, next: AgentNext) {
    return this.intercept(call, next);
  }
}

const CALL: FakeAnswer = { toolCalls: [{ id: 'c1', name: 'find', args: { id: '42' } }] };

/** An agent with one tool, which returns its argument. */
async function start(callbacks: object[], answers: FakeAnswer[] = [CALL, 'done', 'done again']) {
  const recording = new RecordingCallbacks();
  const made: unknown[] = [];
  const find = defineTool({
    name: 'find',
    description: 'Finds.',
    parameters: { type: 'object', properties: { id: { type: 'string' } } },
    execute: (args) => {
      made.push(args);
      return `found ${JSON.stringify(args)}`;
    },
  });
  const app = await startApp(
    {},
    { answers, agent: { tools: [find] }, callbacks: [recording, ...callbacks] },
  );
  return {
    ...app,
    recording,
    made,
    agent: app.module.get(AgentService),
    callbacks: app.module.get(CallbacksService),
  };
}

describe('An interceptor of tools', () => {
  it('sees the call, and passes it on unchanged', async () => {
    let seen: InterceptedToolCall | undefined;
    const { agent, recording } = await start([new Tools((call, next) => ((seen = call), next()))]);
    await agent.run('Find it.', { userId: 'ada' });
    expect(seen).toMatchObject({
      kind: 'tool',
      streaming: false,
      request: { toolName: 'find', toolCallId: 'c1', args: { id: '42' } },
    });
    expect(seen!.event).toBe(recording.of('tool.start')[0]);
    expect(seen!.signal).toBeInstanceOf(AbortSignal);
    expect(recording.of('tool.end')).toMatchObject([{ result: 'found {"id":"42"}' }]);
  });

  it('can change the arguments; the start event has the original, the end event the used ones', async () => {
    const changing = new Tools(({ request }, next) => next({ ...request, args: { id: '7' } }));
    const { agent, recording, made } = await start([changing]);
    await agent.run('Find it.');
    expect(made).toEqual([{ id: '7' }]);
    expect(recording.of('tool.start')).toMatchObject([{ args: { id: '42' } }]);
    expect(recording.of('tool.end')).toMatchObject([{ args: { id: '7' } }]);
  });

  it('can answer without next', async () => {
    const { agent, fake, made } = await start([new Tools(() => 'known already')]);
    await agent.run('Find it.');
    expect(made).toEqual([]);
    expect(fake.requests[1]!.messages.at(-1)).toMatchObject({
      role: 'tool',
      content: 'known already',
    });
  });

  it('can call next again', async () => {
    let tries = 0;
    const again = new Tools(async (_call, next) => {
      await next();
      tries++;
      return next();
    });
    const { agent, made, recording } = await start([again]);
    await agent.run('Find it.');
    expect([tries, made.length]).toEqual([1, 2]);
    expect(recording.of('tool.end')).toHaveLength(1);
  });

  it('can throw, which fails the tool and is sent to the model', async () => {
    const { agent, fake, recording } = await start([
      new Tools(() => {
        throw new Error('too late at night');
      }),
    ]);
    expect((await agent.run('Find it.')).output).toBe('done');
    expect(fake.requests[1]!.messages.at(-1)!.content).toMatch(/too late at night/);
    expect(recording.of('tool.error')).toHaveLength(1);
  });

  it('ends the agent with a CallbackAbort', async () => {
    const error = new BudgetExceededError('spent');
    const { agent } = await start([
      new Tools(() => {
        throw error;
      }),
    ]);
    await expect(agent.run('Find it.')).rejects.toBe(error);
  });

  it('does not run for calls that are rejected before', async () => {
    let asked = false;
    const { agent } = await start(
      [new Tools((_call, next) => ((asked = true), next()))],
      [{ toolCalls: [{ name: 'find', args: { id: 7 } }] }, 'done'],
    );
    await agent.run('Find it.');
    expect(asked).toBe(false);
  });

  it('nests runs of the tool in the tool’s run, and its own runs beside it', async () => {
    const recording = new RecordingCallbacks();
    const ask = defineTool({
      name: 'find',
      description: 'Asks.',
      parameters: { type: 'object', properties: { id: { type: 'string' } } },
      execute: async () => (await app.llm.generate('inner')).text,
    });
    const asking = new Tools(async (_call, next) => {
      await app.llm.generate('beside');
      return next();
    });
    const app = await startApp(
      {},
      {
        answers: [CALL, 'beside', 'inner', 'done'],
        agent: { tools: [ask] },
        callbacks: [recording, asking],
      },
    );
    await app.module.get(AgentService).run('Find it.');
    const tool = recording.of('tool.start')[0]!;
    const starts = recording.of('llm.start').map(({ prompt, parentRunId, fromCallback }) => ({
      prompt,
      parentRunId,
      handler: fromCallback?.handler,
    }));
    expect(starts.slice(1, 3)).toEqual([
      { prompt: 'beside', parentRunId: undefined, handler: 'Tools.around' },
      { prompt: 'inner', parentRunId: tool.runId, handler: undefined },
    ]);
  });

  it('also wraps callbacks.tool', async () => {
    const changing = new Tools(
      async ({ request }, next) => `<${String(await next({ ...request, args: 2 }))}>`,
    );
    const { callbacks, recording } = await start([changing]);
    const result = await callbacks.tool('double', 1, (n) => n * 2);
    expect(result).toBe('<4>');
    expect(recording.of('tool.end')).toMatchObject([{ args: 2, result: '<4>' }]);
  });

  it('can ignore the result of next without an unhandled rejection', async () => {
    const losing = new Tools((_call, next) => {
      void next();
      return 'known';
    });
    const { callbacks, recording } = await start([losing]);
    const failing = () => Promise.reject(new Error('broken'));
    await expect(callbacks.tool('find', {}, failing)).resolves.toBe('known');
    await new Promise(setImmediate);
    expect(recording.events.map(({ type }) => type)).toEqual(['tool.start', 'tool.end']);
  });

  it('cannot call next after the tool has ended', async () => {
    let late: ToolNext | undefined;
    const { agent, made } = await start([new Tools((_call, next) => ((late = next), 'known'))]);
    await agent.run('Find it.');
    await expect(late!()).rejects.toThrow(/next\(\) was called too late/);
    expect(made).toEqual([]);
  });

  it('is not awaited when the agent is aborted', async () => {
    const hanging = defer<string>();
    const { agent, recording } = await start([new Tools(() => hanging.promise)]);
    const stop = new AbortController();
    const running = agent.run('Find it.', {
      signal: stop.signal,
      callbacks: [{ onToolStart: () => setImmediate(() => stop.abort()) }],
    });
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    expect(recording.events.map(({ type }) => type).slice(-2)).toEqual([
      'tool.error',
      'agent.error',
    ]);
    hanging.resolve('too late');
  });
});

describe('An interceptor of agents', () => {
  it.each([false, true])(
    'sees the run, and passes it on unchanged; streaming: %s',
    async (streaming) => {
      let seen: InterceptedAgentCall | undefined;
      const passing = new Agents((call, next) => ((seen = call), next()));
      const { agent, recording } = await start([passing]);
      const result = streaming
        ? await agent.stream('Find it.').result
        : await agent.run('Find it.');
      expect(seen).toMatchObject({ kind: 'agent', streaming, request: { goal: 'Find it.' } });
      expect(seen!.event).toBe(recording.of('agent.start')[0]);
      expect(result).toMatchObject({ output: 'done', steps: [{ index: 0 }, { index: 1 }] });
    },
  );

  it('can change the goal', async () => {
    const changing = new Agents(({ request }, next) => next({ ...request, goal: 'Look for it.' }));
    const { agent, fake } = await start([changing]);
    await agent.run('Find it.', {
      messages: [
        { role: 'user', content: 'Hello.' },
        { role: 'assistant', content: 'Hi.' },
      ],
    });
    expect(fake.requests[0]!.messages.map(({ content }) => content)).toEqual([
      'Hello.',
      'Hi.',
      'Look for it.',
    ]);
  });

  it('can answer without next', async () => {
    const { agent, fake, recording } = await start([new Agents(() => ({ output: 'known' }))]);
    const result = await agent.run('Find it.');
    expect(result).toMatchObject({ output: 'known', steps: [], cost: 0 });
    expect(fake.requests).toEqual([]);
    expect(recording.of('agent.end')).toMatchObject([{ result: { output: 'known' } }]);
  });

  it('can restart the agent; steps add up', async () => {
    const again = new Agents(async (_call, next) => {
      await next();
      return next();
    });
    const { agent, recording } = await start([again]);
    const result = await agent.run('Find it.');
    expect(result).toMatchObject({ output: 'done again', steps: [{}, {}, { index: 2 }] });
    expect(recording.of('agent.end')).toHaveLength(1);
  });

  it('can throw, and the caller gets that error', async () => {
    const error = new Error('closed');
    const { agent, recording } = await start([
      new Agents(() => {
        throw error;
      }),
    ]);
    await expect(agent.run('Find it.')).rejects.toBe(error);
    expect(recording.of('agent.error')).toMatchObject([{ error }]);
  });

  it('cannot continue the agent after it has ended, and the run that it started emits no event', async () => {
    let late: AgentNext | undefined;
    const losing = new Agents((_call, next) => {
      late = next;
      next().catch(() => undefined);
      return { output: 'known' };
    });
    const { agent, recording } = await start([losing]);
    await agent.run('Find it.');
    await expect(late!()).rejects.toThrow(/next\(\) was called too late/);
    await new Promise(setImmediate);
    const types = recording.events.filter(({ type }) => type.startsWith('agent.'));
    expect(types.map(({ type }) => type)).toEqual(['agent.start', 'agent.end']);
  });

  it('is not awaited when the agent is aborted', async () => {
    const hanging = defer<AgentResult>();
    const { agent, recording } = await start([new Agents(() => hanging.promise)]);
    await expect(agent.run('Find it.', { timeoutMs: 1 })).rejects.toThrow(/timeoutMs/);
    expect(recording.events.map(({ type }) => type)).toEqual(['agent.start', 'agent.error']);
    hanging.resolve({} as AgentResult);
  });

  it('gets a signal that fires when the consumer of the agent stops', async () => {
    const waiting = new Agents(async ({ signal }, next) => {
      const result = await next();
      if (!signal.aborted) await once(signal, 'abort');
      return result;
    });
    const { agent, recording } = await start([waiting], ['done']);
    for await (const { type } of agent.stream('Find it.')) if (type === 'agent.step') break;
    expect(recording.events.at(-1)!.type).toBe('agent.end');
  });

  it('that runs two loops at once has the tools of both aborted', async () => {
    const signals: AbortSignal[] = [];
    const stop = new AbortController();
    const wait = defineTool({
      name: 'find',
      description: 'Waits.',
      parameters: { type: 'object' },
      execute: async (_args, { signal }) => {
        if (signals.push(signal) === 2) setImmediate(() => stop.abort());
        await once(signal, 'abort');
      },
    });
    const twice = new Agents((_call, next) => Promise.race([next(), next()]));
    const { agent } = await start([twice], [CALL, CALL]);
    const both = agent.create({ tools: [wait], callbacks: [twice] });
    await expect(both.run('Find it.', { signal: stop.signal })).rejects.toThrow(/aborted/);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });

  it('must return a result', async () => {
    const { agent } = await start([new Agents(() => 'done')]);
    await expect(agent.run('Find it.')).rejects.toThrow(/no AgentResult/);
  });
});
