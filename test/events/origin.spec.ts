import { afterEach, describe, expect, it } from '@jest/globals';
import {
  AgentService,
  CallbacksService,
  defineTool,
  EVENTS,
  InterceptAgent,
  InterceptChain,
  InterceptModel,
  InterceptRetrieval,
  InterceptTool,
  reviveEvent,
  type AgentNext,
  type CallbackEvent,
  type ChainNext,
  type EventOrigin,
  type InterceptedAgentCall,
  type InterceptedChainCall,
  type InterceptedModelCall,
  type InterceptedRetrievalCall,
  type InterceptedToolCall,
  type ModelNext,
  type RetrievalNext,
  type ToolNext,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { RunFactory } from '../../src/runs/run-factory.js';
import { closeApps, startApp, type TestApp } from '../support/app.js';

afterEach(closeApps);

const ALL_KINDS = ['agent', 'callback', 'chain', 'custom', 'embedding', 'llm', 'retrieval', 'tool'];
const INTERCEPTED_KINDS = ['agent', 'chain', 'embedding', 'llm', 'retrieval', 'tool'];
const OTHERS: EventOrigin[] = [
  'openai',
  'anthropic',
  'fetch',
  'ai-sdk',
  'langchain',
  'openai-agents',
];

/** Records `observed` of every kind of call. */
class Around {
  readonly seen: { kind: string; observed: boolean }[] = [];

  @InterceptModel() model(call: InterceptedModelCall, next: ModelNext) {
    return this.#note(call, next);
  }
  @InterceptTool() tool(call: InterceptedToolCall, next: ToolNext) {
    return this.#note(call, next);
  }
  @InterceptAgent() agent(call: InterceptedAgentCall, next: AgentNext) {
    return this.#note(call, next);
  }
  @InterceptChain() chain(call: InterceptedChainCall, next: ChainNext) {
    return this.#note(call, next);
  }
  @InterceptRetrieval() retrieval(call: InterceptedRetrievalCall, next: RetrievalNext) {
    return this.#note(call, next);
  }

  #note<R>({ kind, observed }: { kind: string; observed: boolean }, next: () => R): R {
    this.seen.push({ kind, observed });
    return next();
  }
}

/** Runs of every kind, whose start handler fails once; each run gets its origin from `originOf`. */
async function runAll(originOf?: () => EventOrigin | undefined) {
  const recording = new RecordingCallbacks();
  const around = new Around();
  const find = defineTool({
    name: 'find',
    description: 'Finds.',
    parameters: { type: 'object', properties: {} },
    execute: () => 'found',
  });
  const call = { toolCalls: [{ id: 'c1', name: 'find', args: {} }] };
  const answers = ['hello', 'hello', call, 'done'];
  const app = await startApp(
    {},
    { answers, agent: { tools: [find] }, callbacks: [recording, around] },
  );
  if (originOf) createWith(app, originOf);
  const callbacks = app.module.get(CallbacksService);
  callbacks.on('chain.start', () => {
    throw new Error('on purpose');
  });
  await app.llm.generate('Hi');
  await app.llm.stream('Hi').response;
  await app.llm.embed('printer', { model: 'fake' });
  await app.module.get(AgentService).run('Find it.');
  await callbacks.chain('answer', 'Hi', () => 'Hello');
  await callbacks.retrieval('printer', () => ['off and on']);
  await callbacks.tool('find', {}, () => 'found');
  await callbacks.emit('ticket.opened', { id: 7 });
  return { ...app, callbacks, recording, around };
}

/** Creates the runs of an application with other origins. */
function createWith({ module }: TestApp, originOf: () => EventOrigin | undefined): void {
  const runs = module.get(RunFactory);
  const create = runs.create.bind(runs);
  runs.create = (spec) => create({ ...spec, origin: originOf() });
}

function kindsOf(events: readonly CallbackEvent[]): string[] {
  return [...new Set(events.map(({ type }) => EVENTS[type].kind))].toSorted();
}

function expectOrigin(events: readonly CallbackEvent[], origin: EventOrigin): void {
  const expected = { origin, observed: origin !== 'own' };
  expect(kindsOf(events)).toEqual(ALL_KINDS);
  for (const event of events) {
    expect(event).toMatchObject(expected);
    expect(event.toJSON()).toMatchObject(expected);
    expect(reviveEvent(JSON.parse(JSON.stringify(event)))).toMatchObject(expected);
  }
}

describe('The origin of a run', () => {
  it('is this package for its own runs of every kind', async () => {
    const { recording, around } = await runAll();
    expect(recording.of('llm.chunk').length).toBeGreaterThan(0);
    expectOrigin(recording.events, 'own');
    expect(new Set(around.seen.map(({ observed }) => observed))).toEqual(new Set([false]));
  });

  it.each(OTHERS)('is shown by all events and calls: %s', async (origin) => {
    const { recording, around } = await runAll(() => origin);
    expectOrigin(recording.events, origin);
    const kinds = new Set(around.seen.map(({ kind }) => kind));
    expect([...kinds].toSorted()).toEqual(INTERCEPTED_KINDS);
    expect(around.seen.every(({ observed }) => observed)).toBe(true);
  });

  it('is not inherited by nested runs', async () => {
    const recording = new RecordingCallbacks();
    const app = await startApp({}, { callbacks: [recording] });
    const origins = ['langchain', undefined, 'openai'] as const;
    let created = 0;
    createWith(app, () => origins[created++]);
    const callbacks = app.module.get(CallbacksService);
    await callbacks.chain('outer', 'Hi', () =>
      callbacks.chain('middle', 'Hi', () =>
        callbacks.chain('inner', 'Hi', async () => (await app.llm.generate('Hi')).text),
      ),
    );
    const found = recording.events.map(({ type, origin }) => [type, origin]);
    expect(found).toEqual([
      ['chain.start', 'langchain'],
      ['chain.start', 'own'],
      ['chain.start', 'openai'],
      ['llm.start', 'own'],
      ['llm.end', 'own'],
      ['chain.end', 'openai'],
      ['chain.end', 'own'],
      ['chain.end', 'langchain'],
    ]);
  });

  it('is that of the event for a run restored from a queue', async () => {
    const recording = new RecordingCallbacks();
    const app = await startApp({}, { callbacks: [recording] });
    createWith(app, () => 'ai-sdk');
    await app.llm.generate('Hi');
    const event = reviveEvent(JSON.parse(JSON.stringify(recording.of('llm.end')[0])));
    expect(app.module.get(RunFactory).restore(event).origin).toBe('ai-sdk');
  });
});
