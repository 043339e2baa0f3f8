import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Sse, type MessageEvent } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { AgentService, CallbacksModule, defineTool, type AgentOptions } from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks, type FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { lastValueFrom, toArray } from 'rxjs';
import { closeApps, startApp, willClose } from '../support/app.js';
import { read, TestEventSource } from '../support/event-source.js';
import { testLogger } from '../support/logs.js';

afterEach(closeApps);

const CALL: FakeAnswer = { toolCalls: [{ id: 'c1', name: 'look', args: { id: 'secret-id' } }] };

function look(execute: () => unknown, approval = false) {
  return defineTool({
    name: 'look',
    description: 'Looks.',
    parameters: { type: 'object', properties: { id: { type: 'string' } } },
    needsApproval: approval,
    execute,
  });
}

/** The messages of an agent that calls a tool and then answers. */
async function messagesOf(
  options: AgentOptions,
  content: boolean,
  answers: FakeAnswer[] = [CALL, 'It is there.'],
): Promise<MessageEvent[]> {
  const { module } = await startApp({}, { answers });
  const stream = module.get(AgentService).create(options).stream('go');
  return lastValueFrom(stream.toSse({ content }).pipe(toArray()));
}

const dataOf = (messages: MessageEvent[], type: string) =>
  messages.filter((message) => message.type === type).map(({ data }) => data);

describe('toSse() of an agent stream', () => {
  it('sends chunks, tools and steps without arguments and results, and the outcome', async () => {
    const messages = await messagesOf({ tools: [look(() => 'secret-result')] }, false);

    expect(messages.map(({ type }) => type)).toEqual([
      'chunk',
      'tool',
      'tool',
      'step',
      'chunk',
      'chunk',
      'chunk',
      'step',
      'done',
    ]);
    expect(messages[0]!.data).toEqual({
      type: 'tool-call',
      index: 0,
      id: 'c1',
      name: 'look',
      argsDelta: '',
    });
    expect(dataOf(messages, 'tool')).toEqual([
      { phase: 'start', toolCallId: 'c1', toolName: 'look' },
      { phase: 'end', toolCallId: 'c1', toolName: 'look', durationMs: expect.any(Number) },
    ]);
    const numbers = { usage: expect.any(Object), cost: null };
    expect(dataOf(messages, 'step')).toEqual([
      {
        index: 0,
        action: 'tool_calls',
        text: '',
        toolCalls: [{ id: 'c1', name: 'look' }],
        toolResults: [{ toolCallId: 'c1', toolName: 'look' }],
        ...numbers,
      },
      {
        index: 1,
        action: 'final',
        text: 'It is there.',
        toolCalls: [],
        toolResults: [],
        ...numbers,
      },
    ]);
    expect(messages.at(-1)!.data).toEqual({ finishReason: 'stop', ...numbers });
    expect(JSON.stringify(messages)).not.toContain('secret');
  });

  it('sends arguments and results with content: true', async () => {
    const messages = await messagesOf({ tools: [look(() => ({ found: 10n }))] }, true);

    expect(dataOf(messages, 'tool')).toMatchObject([
      { phase: 'start', args: { id: 'secret-id' } },
      { phase: 'end', args: { id: 'secret-id' }, result: { found: '10' } },
    ]);
    expect(dataOf(messages, 'step')[0]).toMatchObject({
      toolCalls: [{ args: { id: 'secret-id' } }],
      toolResults: [{ result: { found: '10' } }],
    });
    expect(JSON.stringify(dataOf(messages, 'chunk'))).toContain('secret-id');
  });

  it.each([
    [false, { code: 'tool_execution' }],
    [true, { message: expect.stringContaining('secret') }],
  ])(
    'reports that a tool failed, and the reason only with content (%s)',
    async (content, error) => {
      const failing = look(() => {
        throw new Error('secret');
      });
      const messages = await messagesOf({ tools: [failing] }, content);

      expect(dataOf(messages, 'tool')[1]).toMatchObject({ phase: 'error', error });
      expect(JSON.stringify(messages).includes('secret')).toBe(content);
    },
  );

  it('reports that a call waits for approval', async () => {
    const messages = await messagesOf({ tools: [look(() => 'x', true)] }, false);

    expect(dataOf(messages, 'tool')).toMatchObject([
      { phase: 'start', approval: { status: 'pending' } },
      { phase: 'end', approval: { status: 'pending' } },
    ]);
    expect(messages.at(-1)!.type).toBe('done');
  });

  it('sends no events of LLM calls made by a tool, but those of nested tools', async () => {
    const answers: FakeAnswer[] = [
      { toolCalls: [{ id: 'c1', name: 'ask', args: { goal: 'g' } }] },
      { toolCalls: [{ id: 'c2', name: 'look', args: {} }] },
      'secret of the inner agent',
      'It is there.',
    ];
    const { module } = await startApp({}, { answers });
    const agents = module.get(AgentService);
    const inner = agents.create({ name: 'inner', tools: [look(() => 'secret-result')] });
    const outer = agents.create({ tools: [inner.asTool({ name: 'ask', description: 'Asks.' })] });
    const messages = await lastValueFrom(outer.stream('go').toSse().pipe(toArray()));

    expect(JSON.stringify(messages)).not.toContain('secret');
    expect(dataOf(messages, 'step')).toHaveLength(2);
    expect(dataOf(messages, 'tool')).toMatchObject([
      { toolName: 'ask', phase: 'start' },
      { toolName: 'look', phase: 'start' },
      { toolName: 'look', phase: 'end' },
      { toolName: 'ask', phase: 'end' },
    ]);
  });

  it('ends in "failed" when the agent does', async () => {
    const messages = await messagesOf({}, false, [new Error('down')]);
    expect(messages).toMatchObject([{ type: 'failed', data: { code: 'server_error' } }]);
  });

  it('sends no request for a reconnect, nor for its result', async () => {
    const { module, fake } = await startApp();
    const stream = module.get(AgentService).stream('go');
    const { result } = stream;
    const messages = await lastValueFrom(stream.toSse({ lastEventId: '1' }).pipe(toArray()));
    expect(messages).toEqual([]);
    await expect(result).rejects.toMatchObject({ name: 'AbortError' });
    expect(fake.requests).toEqual([]);
  });

  it('answers the reconnect of an EventSource with 204, and calls no tool again', async () => {
    let looked = 0;
    const tool = look(() => ++looked);
    @Controller()
    class Chat {
      constructor(private readonly agents: AgentService) {}

      @Sse() ask() {
        return this.agents
          .create({ tools: [tool] })
          .stream('go')
          .toSse();
      }
    }
    const recording = new RecordingCallbacks();
    const fake = new FakeLlm([CALL, 'It is there.', CALL, 'again']);
    const module = await Test.createTestingModule({
      imports: [
        CallbacksModule.forRoot({ llm: { provider: fake, model: 'fake' }, callbacks: [recording] }),
      ],
      controllers: [Chat],
    })
      .setLogger(testLogger)
      .compile();
    const app = willClose(module.createNestApplication());
    await app.listen(0, '127.0.0.1');
    const connections = await new TestEventSource(await app.getUrl()).run();

    expect(connections.map(({ status }) => status)).toEqual([200, 204]);
    expect(read(connections[0]!).at(-1)![0]).toBe('done');
    expect(looked).toBe(1);
    expect(recording.of('agent.start')).toHaveLength(1);
  });
});
