import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Scope, type Provider } from '@nestjs/common';
import {
  AgentService,
  CallbacksConfigurationError,
  CallbacksModule,
  CallbacksService,
  defineTool,
  OnToolEnd,
  Tool,
  ToolArgumentsError,
  ToolExecutionError,
  type AgentOptions,
  type ToolDefinition,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks, type FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { lastValueFrom, of } from 'rxjs';
import { z } from 'zod';
import { closeApps, startApp } from '../support/app.js';
import { logs } from '../support/logs.js';
import { defer } from '../support/wire/index.js';

afterEach(closeApps);

@Injectable()
class Clock {
  @Tool({ description: 'The time.' })
  now() {
    return 'noon';
  }
}

function tool(more: Partial<ToolDefinition> = {}): ToolDefinition {
  return { name: 'look', description: 'Looks.', execute: () => 'seen', ...more };
}

const CALL: FakeAnswer = { toolCalls: [{ id: 'c1', name: 'look' }] };

/** Runs an agent whose model calls `look` once; returns what the model received, and the events. */
async function callOnce(definition: ToolDefinition, call: FakeAnswer = CALL, more?: AgentOptions) {
  const recording = new RecordingCallbacks();
  const { module, fake } = await startApp(
    {},
    {
      answers: [call, 'done'],
      agent: { tools: [definition], ...more },
      callbacks: [recording],
    },
  );
  const result = await module.get(AgentService).run('go');
  return { result, recording, sent: fake.requests[1]!.messages.at(-1)!.content };
}

describe('An application fails at start-up with', () => {
  @Injectable()
  class OtherClock {
    @Tool({ name: 'now', description: 'The time, elsewhere.' })
    elsewhere() {}
  }
  @Injectable()
  class OddName {
    @Tool({ name: 'find order!', description: 'Finds.' })
    find() {}
  }
  @Injectable()
  class NoDescription {
    @Tool({ description: ' ' })
    find() {}
  }
  @Injectable()
  class NoObject {
    @Tool({ description: 'Finds.', parameters: z.string() })
    find() {}
  }
  @Injectable()
  class Inexpressible {
    @Tool({ description: 'Finds.', parameters: z.object({ at: z.date() }) })
    find() {}
  }

  it.each<[string, Provider[], AgentOptions, RegExp]>([
    [
      'two tools of one name',
      [Clock, OtherClock],
      {},
      /"now": Clock\.now and OtherClock\.elsewhere/,
    ],
    ['a name that providers refuse', [OddName], {}, /OddName\.find: providers refuse the name/],
    ['a missing description', [NoDescription], {}, /NoDescription\.find: the description/],
    ['parameters that are no object', [NoObject], {}, /NoObject\.find: its parameters must be/],
    ['a schema that cannot be expressed', [Inexpressible], {}, /Inexpressible\.find/],
    ['an unknown tool', [Clock], { tools: ['later'] }, /wants the tool "later".*Known are: now/],
    ['a class without tools', [], { tools: [Clock] }, /wants the tools of Clock/],
    ['a definition without execute', [], { tools: [{ name: 'a' } as never] }, /no execute/],
    ['one name twice', [], { tools: [tool(), tool()] }, /two tools that are named "look"/],
    ['a negative timeout', [], { tools: [tool({ timeoutMs: -1 })] }, /timeoutMs/],
    ['no result', [], { tools: [tool({ maxResultChars: 0 })] }, /maxResultChars/],
    ['maxSteps: 0', [], { maxSteps: 0 }, /maxSteps/],
    ['maxCost: 0', [], { maxCost: 0 }, /maxCost/],
    ['toolConcurrency: 0', [], { toolConcurrency: 0 }, /toolConcurrency/],
    ['an unknown onToolError', [], { onToolError: 'ignore' as never }, /onToolError/],
    ['a callback without handlers', [], { callbacks: [{}] }, /has no handlers/],
  ])('%s', async (_what, providers, agent, message) => {
    const starting = startApp({ providers }, { agent });
    await expect(starting).rejects.toThrow(CallbacksConfigurationError);
    await expect(starting).rejects.toThrow(message);
  });

  it('a tool on something other than an instance method', () => {
    expect(() => {
      class Wrong {
        @Tool({ description: 'No.' })
        static look() {}
      }
      return Wrong;
    }).toThrow(/@Tool\(\) is on static Wrong\.look/);
  });

  it('tools of a provider that has no instance of its own, by a warning', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class Passing {
      @Tool({ description: 'Looks.' })
      look() {}
    }
    await startApp({ providers: [Passing] });
    expect(logs).toContainEqual(
      expect.objectContaining({
        message: expect.stringContaining('Passing.look will not be offered to agents'),
      }),
    );
  });
});

describe('A tool', () => {
  it('that is inherited, or provided by a value or a factory, is found once', async () => {
    class Summer extends Clock {}
    const { module, fake } = await startApp(
      {
        providers: [
          { provide: 'clock', useFactory: () => new Summer() },
          { provide: 'alias', useExisting: 'clock' },
        ],
      },
      { answers: [{ toolCalls: [{ name: 'now' }] }, 'done'], agent: { tools: [Clock] } },
    );
    await module.get(AgentService).run('go');
    expect(fake.requests[1]!.messages.at(-1)!.content).toBe('noon');
  });

  it('is looked up at each call: a spy on its provider is called', async () => {
    const { module } = await startApp(
      { providers: [Clock] },
      { answers: [{ toolCalls: [{ name: 'now' }] }, 'done'], agent: { tools: ['now'] } },
    );
    const spy = jest.spyOn(module.get(Clock), 'now').mockReturnValue('night');
    const { steps } = await module.get(AgentService).run('go');
    expect(spy).toHaveBeenCalledTimes(1);
    expect(steps[0]!.toolResults[0]!.result).toBe('night');
  });

  it('is available to agents of features and to agents created at run time', async () => {
    const { module } = await startApp(
      {
        providers: [Clock],
        imports: [CallbacksModule.forFeature({ name: 'support', agent: { tools: ['now'] } })],
      },
      { answers: [{ toolCalls: [{ name: 'now' }] }, 'done'] },
    );
    const agent = module.get(AgentService).create({ tools: [Clock] });
    expect((await agent.run('go')).steps).toHaveLength(2);
    await expect(
      module
        .get(AgentService)
        .create({ tools: ['later'] })
        .run('go'),
    ).rejects.toThrow(CallbacksConfigurationError);
  });

  it('receives arguments as parsed by its schema', async () => {
    const execute = jest.fn((..._given: unknown[]) => 'ok');
    const parameters = z.object({ id: z.string(), count: z.number().default(3) });
    await callOnce(tool({ parameters, execute }), {
      toolCalls: [{ name: 'look', args: { id: 'a', extra: true } }],
    });
    expect(execute).toHaveBeenCalledWith({ id: 'a', count: 3 }, expect.anything());
  });

  it.each([
    ['do not fit', { args: { id: 7 } }, /do not fit.*id/],
    ['are no JSON', { args: undefined, argsText: '{"id":', argsError: 'no JSON' }, /no JSON/],
  ])(
    'is not called with arguments that %s; the model can try again',
    async (_what, call, message) => {
      const execute = jest.fn();
      const parameters = z.object({ id: z.string() });
      const { sent, recording } = await callOnce(tool({ parameters, execute }), {
        toolCalls: [{ name: 'look', ...call }],
      });
      expect(execute).not.toHaveBeenCalled();
      expect(sent).toMatch(message);
      expect(recording.of('tool.error')[0]!.error).toBeInstanceOf(ToolArgumentsError);
      expect(recording.of('tool.error')[0]!.toJSON()).toMatchObject({
        error: { code: 'tool_arguments' },
      });
    },
  );

  it.each<[string, unknown, unknown]>([
    ['text', 'seen', 'seen'],
    ['an object', { a: 1n }, '{"a":"1"}'],
    ['nothing', undefined, 'null'],
    ['a number', 7, '7'],
    ['parts of a message', [{ type: 'text', text: 'a' }], [{ type: 'text', text: 'a' }]],
    ['an Observable', of('a', 'b'), 'ab'],
    ['an async iterable', ReadableStream.from(['a', 'b']), 'ab'],
    ['an async iterable of objects', ReadableStream.from([{ a: 1 }]), '[{"a":1}]'],
  ])('can return %s', async (_what, returned, content) => {
    const { sent } = await callOnce(tool({ execute: () => returned }));
    expect(sent).toEqual(content);
  });

  it('can return a value that refers to itself', async () => {
    const loop: Record<string, unknown> = { a: 1 };
    loop['self'] = loop;
    const { sent } = await callOnce(tool({ execute: () => loop }));
    expect(sent).toBe('{"a":1,"self":"[Circular]"}');
  });

  it('can return an LlmStream', async () => {
    const recording = new RecordingCallbacks();
    const app = await startApp(
      {},
      { answers: [CALL, 'inner words', 'done'], callbacks: [recording] },
    );
    const agents = app.module.get(AgentService);
    const agent = agents.create({ tools: [tool({ execute: () => app.llm.stream('inner') })] });
    const { steps } = await agent.run('go');
    expect(steps[0]!.toolResults[0]!.result).toBe('inner words');
    expect(recording.tree()[0]!.children[1]!.children).toMatchObject([{ kind: 'llm' }]);
  });

  it('with a very large result sends a truncated result, with a mark', async () => {
    const { sent, recording } = await callOnce(
      tool({ maxResultChars: 10, execute: () => 'x'.repeat(25) }),
    );
    expect(sent).toBe(`${'x'.repeat(10)}\n[cut: 15 of 25 characters are left out]`);
    expect(recording.of('tool.end')[0]!.result).toBe('x'.repeat(25));
  });

  it('that exceeds its timeoutMs is aborted, and the model receives the timeout', async () => {
    let signal: AbortSignal | undefined;
    const { sent, recording } = await callOnce(
      tool({
        timeoutMs: 5,
        execute: (_args, context) => {
          signal = context.signal;
          return new Promise(() => undefined);
        },
      }),
    );
    expect(signal!.aborted).toBe(true);
    expect(sent).toContain('took longer than its timeoutMs of 5');
    const [{ error } = { error: undefined }] = recording.of('tool.error');
    expect(error).toBeInstanceOf(ToolExecutionError);
    expect(error).toMatchObject({ retryable: true });
  });

  it('whose critical end handler fails ends the agent', async () => {
    class Strict {
      @OnToolEnd({ critical: true })
      check() {
        throw new Error('not like this');
      }
    }
    const { module } = await startApp(
      { providers: [Strict] },
      { answers: [CALL], agent: { tools: [tool()] } },
    );
    await expect(module.get(AgentService).run('go')).rejects.toThrow('not like this');
  });

  it('rejected by a critical start handler is not called, and the model receives only the rejection', async () => {
    const execute = jest.fn();
    const recording = new RecordingCallbacks();
    const { module, fake } = await startApp(
      {},
      { answers: [CALL, 'done'], agent: { tools: [tool({ execute })] }, callbacks: [recording] },
    );
    const gate = () => {
      throw new Error('because of ann');
    };
    module.get(CallbacksService).on('tool.start', gate, { critical: true });
    await module.get(AgentService).run('go');
    expect(execute).not.toHaveBeenCalled();
    expect(fake.requests[1]!.messages.at(-1)!.content).toBe('Error: refused');
    expect(recording.of('tool.error')[0]!.error.message).toBe('because of ann');
  });
});

describe('Tools of one turn', () => {
  const names = ['a', 'b', 'c', 'd'];
  const calls: FakeAnswer = { toolCalls: names.map((name) => ({ id: name, name })) };

  it('run concurrently, up to toolConcurrency', async () => {
    let running = 0;
    let most = 0;
    const tools = names.map((name) =>
      tool({
        name,
        execute: async () => {
          most = Math.max(most, ++running);
          await new Promise(setImmediate);
          running--;
        },
      }),
    );
    const { module } = await startApp(
      {},
      { answers: [calls, 'done'], agent: { tools, toolConcurrency: 2 } },
    );
    await module.get(AgentService).run('go');
    expect(most).toBe(2);
  });

  it('start in the order of the calls, end as they finish, and return results in the order of the calls', async () => {
    const last = defer<void>();
    const tools = names.map((name) =>
      tool({
        name,
        execute: () => (name === 'd' ? last.resolve() : last.promise.then(() => name)),
      }),
    );
    const recording = new RecordingCallbacks();
    const { module, fake } = await startApp(
      {},
      { answers: [calls, 'done'], agent: { tools }, callbacks: [recording] },
    );
    await module.get(AgentService).run('go');
    const order = recording.events.flatMap((event) =>
      'toolName' in event ? [`${event.toolName} ${event.type}`] : [],
    );
    expect(order.slice(0, 4)).toEqual(names.map((name) => `${name} tool.start`));
    expect(order[4]).toBe('d tool.end');
    expect(fake.requests[1]!.messages.slice(2).map(({ toolCallId }) => toolCallId)).toEqual(names);
  });

  it('are aborted and awaited when one of them fails the agent', async () => {
    const handled: string[] = [];
    const tools = [
      tool({
        name: 'a',
        execute: (_args, { signal }) =>
          new Promise((resolve) => {
            signal.addEventListener('abort', () =>
              setImmediate(() => {
                handled.push('a stopped');
                resolve('too late');
              }),
            );
          }),
      }),
      tool({
        name: 'b',
        execute: () => Promise.reject(new ToolExecutionError('down', { fatal: true })),
      }),
    ];
    const recording = new RecordingCallbacks();
    const { module } = await startApp(
      {},
      {
        answers: [{ toolCalls: [{ name: 'a' }, { name: 'b' }] }],
        agent: { tools },
        callbacks: [recording],
      },
    );
    await expect(module.get(AgentService).run('go')).rejects.toThrow('down');
    expect(handled).toEqual(['a stopped']);
    const ends = recording.events.map(({ type }) => type).slice(-3);
    expect(ends).toEqual(['tool.error', 'tool.error', 'agent.error']);
    expect(recording.of('tool.error')[1]).toMatchObject({ toolName: 'a', aborted: true });
  });

  it('are aborted and awaited when the agent is aborted', async () => {
    const controller = new AbortController();
    const handled: unknown[] = [];
    const slow = tool({
      name: 'a',
      execute: (_args, { signal }) => {
        setImmediate(() => controller.abort('enough'));
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => {
            handled.push((signal.reason as Error).name);
            reject(signal.reason as Error);
          }),
        );
      },
    });
    const recording = new RecordingCallbacks();
    const { module } = await startApp(
      {},
      {
        answers: [{ toolCalls: [{ name: 'a' }] }],
        agent: { tools: [slow] },
        callbacks: [recording],
      },
    );
    const running = module.get(AgentService).run('go', { signal: controller.signal });
    await expect(running).rejects.toMatchObject({ name: 'AbortError', cause: 'enough' });
    expect(handled).toEqual(['AbortError']);
    expect(recording.events.map(({ type }) => type).slice(-2)).toEqual([
      'tool.error',
      'agent.error',
    ]);
  });

  it('are aborted when the timeoutMs of the agent is over', async () => {
    const slow = tool({
      name: 'a',
      execute: (_args, { signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        ),
    });
    const { module } = await startApp(
      {},
      { answers: [{ toolCalls: [{ name: 'a' }] }], agent: { tools: [slow] } },
    );
    const running = module.get(AgentService).run('go', { timeoutMs: 5 });
    await expect(running).rejects.toMatchObject({ code: 'timeout' });
  });
});

it('lastValueFrom() accepts the Observable of an agent stream', async () => {
  const { module } = await startApp({}, { answers: ['done'] });
  const last = await lastValueFrom(module.get(AgentService).stream('go').toObservable());
  expect(last.type).toBe('agent.end');
  expect(defineTool(tool()).name).toBe('look');
});
