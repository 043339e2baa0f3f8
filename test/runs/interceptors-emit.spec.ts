import { afterEach, describe, expect, it } from '@jest/globals';
import {
  AgentService,
  CallbackAbort,
  CallbacksConfigurationError,
  CallbacksService,
  InterceptAgent,
  InterceptLlm,
  InterceptTool,
  OnCustomEvent,
  type AgentNext,
  type InterceptedAgentCall,
  type InterceptedLlmCall,
  type InterceptedToolCall,
  type LlmNext,
  type ToolNext,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

type AroundLlm = (call: InterceptedLlmCall, next: LlmNext) => unknown;

class Llm {
  constructor(private readonly around: AroundLlm) {}
  @InterceptLlm() intercept(call: InterceptedLlmCall, next: LlmNext) {
    return this.around(call, next);
  }
}

class Everything {
  @InterceptLlm()
  async ofCall(call: InterceptedLlmCall, next: LlmNext) {
    await call.emit('of.call', { model: call.request.model });
    return next();
  }
  @InterceptTool()
  async ofTool(call: InterceptedToolCall, next: ToolNext) {
    await call.emit('of.tool', call.request.toolName);
    return next();
  }
  @InterceptAgent()
  async ofAgent(call: InterceptedAgentCall, next: AgentNext) {
    await call.emit('of.agent');
    return next();
  }
}

async function start(callbacks: object[]) {
  const recording = new RecordingCallbacks();
  const app = await startApp({}, { callbacks: [...callbacks, recording] });
  return { ...app, recording };
}

describe('call.emit() of an interceptor', () => {
  it.each(['generate', 'stream'] as const)(
    'emits an event of the LLM call between start and end, by %s',
    async (method) => {
      const { llm, recording } = await start([new Everything()]);
      const options = { userId: 'ada' };
      if (method === 'stream') await llm.stream('hi', options).response;
      else await llm.generate('hi', options);
      const [run] = recording.tree();
      expect(run).toMatchObject({ kind: 'llm', children: [] });
      expect(run!.events.slice(0, 2)).toEqual(['llm.start', 'custom']);
      expect(run!.events.at(-1)).toBe('llm.end');
      expect(recording.of('custom')).toMatchObject([
        { name: 'of.call', data: { model: 'fake' }, userId: 'ada', provider: 'fake' },
      ]);
    },
  );

  it('emits events of tools and agents', async () => {
    const { module, recording } = await start([new Everything()]);
    await module.get(CallbacksService).tool('find', {}, () => 'it');
    await module.get(AgentService).run('go');
    const places = recording.of('custom').map(({ runId, name, data }) => {
      const first = recording.events.find((event) => event.runId === runId);
      return [name, data, first?.type];
    });
    expect(places).toEqual([
      ['of.tool', 'find', 'tool.start'],
      ['of.agent', undefined, 'agent.start'],
      ['of.call', { model: 'fake' }, 'llm.start'],
    ]);
  });

  it('waits for handlers, and rejects with the error of a critical one', async () => {
    const no = new Error('no');
    class Gate {
      @OnCustomEvent('closed', { critical: true })
      async refuse() {
        await new Promise(setImmediate);
        throw no;
      }
      @OnCustomEvent('stopped')
      stop() {
        throw new CallbackAbort('stop');
      }
    }
    const errors: unknown[] = [];
    const { llm } = await start([
      new Gate(),
      new Llm(async (call, next) => {
        await call.emit('closed').catch((error: unknown) => errors.push(error));
        await call.emit('stopped');
        return next();
      }),
    ]);
    await expect(llm.generate('hi')).rejects.toThrow('stop');
    expect(errors).toEqual([no]);
  });

  it('does nothing once the call has ended', async () => {
    let late: InterceptedLlmCall | undefined;
    const { llm, recording } = await start([new Llm((call, next) => ((late = call), next()))]);
    await llm.generate('hi');
    await late!.emit('late');
    expect(recording.events.map(({ type }) => type)).toEqual(['llm.start', 'llm.end']);
  });

  it.each(['two words', 'llm.end'])('rejects the name %j', async (name) => {
    const { llm, recording } = await start([
      new Llm(async (call, next) => {
        await call.emit(name);
        return next();
      }),
    ]);
    await expect(llm.generate('hi')).rejects.toBeInstanceOf(CallbacksConfigurationError);
    expect(recording.of('custom')).toEqual([]);
  });
});
