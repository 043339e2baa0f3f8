import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  AgentService,
  defineTool,
  MaxStepsExceededError,
  type AgentOptions,
  type ToolDefinition,
} from 'nestjs-llm-callbacks';
import {
  RecordingCallbacks,
  type FakeAnswer,
  type FakeToolCall,
} from 'nestjs-llm-callbacks/testing';
import { always, closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

/** Any object. */
const OPEN = { type: 'object', properties: { id: { type: 'string' } } } as const;

const execute = jest.fn<ToolDefinition['execute']>(() => 'ok');
const look = defineTool({ name: 'look', description: 'Looks.', parameters: OPEN, execute });

afterEach(() => void execute.mockClear());

async function runWith(answers: FakeAnswer[], agent: AgentOptions = {}) {
  const recording = new RecordingCallbacks();
  const { module, fake } = await startApp(
    {},
    { answers, agent: { tools: [look], ...agent }, callbacks: [recording] },
  );
  return { running: module.get(AgentService).run('go'), fake, recording };
}

/** Makes the model call one tool; returns the result that the model receives. */
async function answerTo(call: FakeToolCall) {
  const { running, fake } = await runWith([{ toolCalls: [call] }, 'done']);
  await running;
  return fake.requests[1]!.messages.at(-1)!.content;
}

describe('A hostile model', () => {
  it('that calls unknown tools receives the list of known tools', async () => {
    expect(await answerTo({ name: 'rm_rf' })).toBe(
      'Error: There is no tool of that name; there are: look.',
    );
    expect(execute).not.toHaveBeenCalled();
  });

  it.each(['constructor', 'toString', '__proto__'])('cannot call %s', async (name) => {
    expect(await answerTo({ name })).toContain('There is no tool of that name');
  });

  it('cannot break the transcript with odd names and ids', async () => {
    const name = 'délete all\n\u001b[31m'.repeat(20);
    const { running, fake, recording } = await runWith([
      {
        toolCalls: [
          { id: '', name },
          { id: 'same', name: 'look' },
          { id: 'same', name: 'look' },
          // As if the tool were missing.
          { id: 'call_0_4', name: 'look' },
          { id: '', name: 'look' },
        ],
      },
      'done',
    ]);
    await running;
    const [, asked, ...answers] = fake.requests[1]!.messages;
    const ids = asked!.toolCalls!.map(({ id }) => id);
    expect(new Set(ids).size).toBe(5);
    expect(answers.map(({ toolCallId }) => toolCallId)).toEqual(ids);
    expect(asked!.toolCalls![0]!.name).toMatch(/^[\w-]{1,64}$/);
    expect(recording.of('tool.error')[0]!.toolName).toMatch(/^[\w-]{1,64}$/);
  });

  it('with a thousand calls in one turn gets 128 results, and the others are rejected', async () => {
    const toolCalls = Array.from({ length: 1_000 }, () => ({ name: 'look' }));
    const { running, fake, recording } = await runWith([{ toolCalls }, 'done']);
    await running;
    expect(execute).toHaveBeenCalledTimes(128);
    const answers = fake.requests[1]!.messages.slice(2);
    expect(answers).toHaveLength(1_000);
    expect(answers.at(-1)!.content).toBe('Error: Only 128 calls are answered in one turn.');
    expect(recording.of('tool.error')).toHaveLength(872);
  });

  it('with 5 MB of arguments is rejected, and the heap stays bounded', async () => {
    const argsText = JSON.stringify({ id: 'x'.repeat(5_000_000) });
    const before = process.memoryUsage().heapUsed;
    const answer = await answerTo({ name: 'look', argsText, args: JSON.parse(argsText) });
    expect(answer).toMatch(
      /^Error: The arguments are 5\d+ characters long; 1000000 are allowed\.$/,
    );
    expect(execute).not.toHaveBeenCalled();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100_000_000);
  });

  it.each([
    '{"__proto__":{"admin":true}}',
    '{"id":"a","deep":[{"__proto__":{"admin":true}}]}',
    '{"constructor":{"prototype":{"admin":true}}}',
    String.raw`{"\u005f_proto__":{"admin":true}}`,
  ])('cannot reach a prototype by %s', async (argsText) => {
    const answer = await answerTo({ name: 'look', argsText, args: JSON.parse(argsText) });
    expect(answer).toBe('Error: The arguments have a key that is not allowed.');
    expect(execute).not.toHaveBeenCalled();
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('with very deeply nested arguments is rejected or answered, and breaks nothing', async () => {
    const depth = 5_000;
    const argsText = `{"id":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    const answer = await answerTo({ name: 'look', argsText, args: JSON.parse(argsText) });
    expect(answer).toContain('do not fit');
  });

  it('that never stops is stopped by maxSteps', async () => {
    const { running, fake } = await runWith(always({ toolCalls: [{ name: 'look' }] }), {
      maxSteps: 7,
    });
    await expect(running).rejects.toThrow(MaxStepsExceededError);
    expect(fake.requests).toHaveLength(7);
  });

  it('receives only the beginning of an error message', async () => {
    execute.mockImplementationOnce(() => {
      throw new Error('x'.repeat(100_000));
    });
    expect((await answerTo({ name: 'look' })).length).toBeLessThan(2_200);
  });

  it('that sends arguments other than objects does not reach the tool', async () => {
    for (const args of ['text', 7, null, ['a']]) {
      const answer = await answerTo({ name: 'look', args, argsText: JSON.stringify(args) });
      expect(answer).toMatch(/do not fit|Error/);
    }
    expect(execute).not.toHaveBeenCalled();
  });
});
