import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { AgentService, CallbacksService, LlmService } from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { RunLog } from './examples/bound-context.js';
import { Digest, HelpDesk, HelpTexts, oneTurn } from './examples/chains.js';
import { capitalOf, cook, cookAloud, plan } from './examples/structured-output.js';
import { around, closeAll, start } from './start.js';

const RECIPE = { title: 'Soup', minutes: 40, steps: ['Cut.', 'Cook.'] };

afterEach(async () => {
  jest.restoreAllMocks();
  await closeAll();
});

describe('The examples of structured output', () => {
  it('return a validated object, which the model may repair once', async () => {
    const app = await start({ imports: [around(['{"title":"Soup"}', JSON.stringify(RECIPE)])] });

    expect(await cook(app.get(LlmService), 'soup')).toBe('Soup: 2 steps, 40 minutes');
  });

  it('stream partial objects', async () => {
    const lines: unknown[] = [];
    jest.spyOn(console, 'log').mockImplementation((line) => void lines.push(line));
    const app = await start({ imports: [around([JSON.stringify(RECIPE, undefined, 1)])] });

    expect(await cookAloud(app.get(LlmService), 'soup')).toEqual(RECIPE);
    expect([lines[0], lines.at(-1)]).toEqual(['0 steps so far', '2 steps so far']);
  });

  it('use a JSON Schema, and fail with the validation issues', async () => {
    const app = await start({ imports: [around(['{"city":"Oslo"}', '{"town":1}', '{}'])] });
    const llm = app.get(LlmService);

    expect(await capitalOf(llm, 'Norway')).toBe('Oslo');
    expect(await capitalOf(llm, 'Norway')).toMatch(/^unreadable: .*city/);
  });

  it('return the object of an agent', async () => {
    const app = await start({ imports: [around([JSON.stringify(RECIPE)])] });

    expect(await plan(app.get(AgentService), 'soup')).toEqual(RECIPE);
  });
});

describe('The examples of chains and retrievals', () => {
  const texts = { provide: HelpTexts, useValue: { nearest: async () => ['Turn it on.'] } };

  it.each([
    ['methods', HelpDesk, (desk: HelpDesk) => desk.answer('It is dark.')],
    ['functions', Digest, (digest: Digest) => digest.write('lamps')],
  ])('are %s', async (_what, type, call) => {
    const recording = new RecordingCallbacks();
    const app = await start({
      imports: [around(['Turn it on.'], { callbacks: [recording] })],
      providers: [HelpDesk, Digest, texts],
    });

    expect(await call(app.get<never>(type))).toBe('Turn it on.');

    expect(recording.tree()).toEqual([
      {
        kind: 'chain',
        events: ['chain.start', 'chain.end'],
        children: [
          { kind: 'retrieval', events: ['retrieval.start', 'retrieval.end'], children: [] },
          { kind: 'llm', events: ['llm.start', 'llm.end'], children: [] },
        ],
      },
    ]);
    expect(recording.of('retrieval.end')[0]).toMatchObject({
      source: 'help texts',
      documents: ['Turn it on.'],
    });
  });

  it('work beside tools of a custom loop', async () => {
    const recording = new RecordingCallbacks();
    const app = await start({
      imports: [
        around([{ toolCalls: [{ name: 'time' }] }, 'Half past twelve.'], {
          callbacks: [recording],
        }),
      ],
    });

    const { text } = await oneTurn(app.get(LlmService), app.get(CallbacksService));

    expect(text).toBe('Half past twelve.');
    expect(recording.of('tool.end')[0]).toMatchObject({ toolName: 'time', result: '12:30' });
  });
});

describe('The example of a context of its own', () => {
  it('has the ids of the run in each line', async () => {
    const app = await start({ imports: [around(['Hi'])], providers: [RunLog] });
    const log = app.get(RunLog);
    const lines: string[] = [];
    const callbacks = app.get(CallbacksService);
    await callbacks.run({ userId: 'ada' }, () =>
      callbacks.chain('answer', 1, (_input, { runId }) => lines.push(log.line('in'), runId)),
    );
    expect(JSON.parse(lines[0]!)).toEqual({ text: 'in', runId: lines[1], userId: 'ada' });
    expect(log.line('out')).toBe('{"text":"out"}');
  });
});
