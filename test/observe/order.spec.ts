import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type OpenAI from 'openai';
import {
  AgentService,
  CallbackAbort,
  CallbacksService,
  OnLlmStreamChunk,
  OnLlmEnd,
  OnLlmStart,
  Tool,
} from 'nestjs-llm-callbacks';
import * as z from 'zod';
import { OpenRuns } from '../../src/runs/active-run.js';
import {
  Bench,
  cutStream,
  events,
  failsOnce,
  HELLO,
  json,
  readAll,
  says,
  silence,
  stalled,
  WIRES,
  type Serve,
  type WireFormat,
} from '../support/wire/index.js';
import { CLOUDS, servedBy, titleOf } from '../support/wire/clouds.js';
import { fetchInRealm, newClient } from '../support/wire/sdk-clients.js';
import { type Caller, clientCaller, ownCaller } from './callers.js';
import { contentOf, treeOf } from './event-tree.js';

/** Handlers that a scenario may let fail. */
class Guards {
  failAt: 'start' | 'chunk' | 'end' | undefined;

  @OnLlmStart({ critical: true })
  onStart(): void {
    if (this.failAt === 'start') throw new CallbackAbort('Not today.');
  }

  @OnLlmStreamChunk({ critical: true })
  onChunk(): void {
    if (this.failAt === 'chunk') throw new CallbackAbort('Stop there.');
  }

  @OnLlmEnd({ critical: true })
  onEnd(): void {
    if (this.failAt === 'end') throw new CallbackAbort('Too late.');
  }
}

/** A tool that makes the call of the scenario. */
class Tools {
  call: (() => Promise<unknown>) | undefined;

  @Tool({ description: 'Asks.', parameters: z.object({}) })
  async ask(): Promise<string> {
    await this.call?.();
    return 'asked';
  }
}

/** What a scenario works with. */
interface Place {
  readonly bench: Bench;
  readonly caller: Caller;
}

/** The SDKs differ. */
type ByWire = Readonly<Record<WireFormat['name'], string | RegExp>>;
const ALL_FAILED: ByWire = {
  openai: 'InternalServerError',
  responses: 'InternalServerError',
  anthropic: 'ServiceUnavailableError',
};
/** An error event is an event of Responses, until later versions of `openai` 7. */
const STREAM_FAILED: ByWire = {
  openai: 'APIError',
  responses: /^(none|APIError)$/,
  anthropic: 'APIError',
};

function classOf(expected: string | ByWire, { name }: WireFormat): RegExp {
  const of = typeof expected === 'string' ? expected : expected[name];
  return typeof of === 'string' ? new RegExp(`^${of}$`) : of;
}

interface Scenario {
  readonly name: string;
  /** Options of the SDK's client of both kinds of calls. */
  readonly client?: { readonly maxRetries?: number; readonly timeout?: number };
  readonly failAt?: Guards['failAt'];
  readonly answers: (wire: WireFormat) => readonly Serve[];
  readonly act: (place: Place) => Promise<unknown>;
  readonly tree: readonly string[];
  /** The class of the caller's error. An observed client throws its own, as the design wants it. */
  readonly throws?: string | { readonly own: string; readonly observed: string | ByWire };
  /** How many requests the server receives; one by default. */
  readonly requests?: number;
  /** Why both kinds of calls do not give the same tree. */
  readonly differs?: { readonly why: string; readonly own: readonly string[] };
  /** By `callbacks.fetch()`, which does not see that its caller sends a request again, or has a timeout. */
  readonly fetched?: readonly string[];
}

const whole = (wire: WireFormat) => says(wire, 'generate', HELLO);
const streamed = (wire: WireFormat) => says(wire, 'stream', HELLO);
const busy = (wire: WireFormat) => failsOnce(wire, 503, { type: 'overloaded_error' });
const LOOKUP = { id: 'call_1', name: 'ask', argsText: '{}' };

const read = async ({ caller }: Place) => readAll(await caller.stream());
const ask = async ({ caller }: Place) => caller.whole();
const inChain = (act: Scenario['act']) => (place: Place) =>
  place.bench.app.get(CallbacksService).chain('work', {}, () => act(place));
const inAgent = (act: Scenario['act']) => async (place: Place) => {
  const { app } = place.bench;
  app.get(Tools).call = () => act(place);
  await app.get(AgentService).run('Go');
};

async function leave({ bench, caller }: Place): Promise<void> {
  for await (const _ of await caller.stream())
    if (bench.recording.of('llm.chunk').length > 0) break;
}

/** No other timers have these delays. */
const UNREAD_MS = 123_457;
const TIMEOUT_MS = 123_459;

/** Calls what the last timer with a delay would call. */
function expire(timers: jest.Spied<typeof setTimeout>, delay: number): void {
  timers.mock.calls.findLast(([, given]) => given === delay)![0]();
}

/** The timeout of the client expires when the request has arrived. */
async function timesOut({ bench, caller }: Place): Promise<void> {
  const timers = jest.spyOn(globalThis, 'setTimeout');
  const { server } = bench;
  void server.exchange(server.exchanges.length).then(() => expire(timers, TIMEOUT_MS));
  await caller.whole();
}

/** Aborts when the request has arrived, and some of a stalled stream, if there is any. */
const aborts = (streaming: boolean, chunks: number) => async (place: Place) => {
  const { bench, caller } = place;
  const aborter = new AbortController();
  const { signal } = aborter;
  const isReached = () => bench.recording.of('llm.chunk').length >= chunks;
  const off = bench.app.get(CallbacksService).on('llm.chunk', () => {
    if (isReached()) setImmediate(() => aborter.abort());
  });
  const asked = bench.server.exchanges.length;
  if (chunks === 0) void bench.server.exchange(asked).then(() => aborter.abort());
  try {
    if (streaming) await readAll(await caller.stream({ signal }));
    else await caller.whole({ signal });
  } finally {
    off();
  }
};

const ABORTED = { own: 'LlmAbortedError', observed: 'APIUserAbortError' };

/** A request that was refused, as a run of its own. */
const BUSY = ['llm.start', 'llm.error: overloaded, attempts: 1'];

const ANSWERS: readonly Scenario[] = [
  {
    name: 'an answer',
    answers: (wire) => [whole(wire)],
    act: ask,
    tree: ['llm.start', 'llm.end: stop, attempts: 1'],
  },
  {
    name: 'an answer that is cut at its limit',
    answers: (wire) => [says(wire, 'generate', { ...HELLO, finish: 'length' })],
    act: ask,
    tree: ['llm.start', 'llm.end: length, attempts: 1'],
  },
  {
    name: 'an answer that calls a tool',
    answers: (wire) => [says(wire, 'generate', { toolCalls: [LOOKUP] })],
    act: ask,
    tree: ['llm.start', 'llm.end: tool-calls, attempts: 1'],
  },
  {
    name: 'a stream',
    answers: (wire) => [streamed(wire)],
    act: read,
    tree: ['llm.start', 'llm.chunk', 'llm.end: stop, attempts: 1'],
  },
  {
    name: 'a stream that calls a tool',
    answers: (wire) => [says(wire, 'stream', { ...HELLO, toolCalls: [LOOKUP] })],
    act: read,
    tree: ['llm.start', 'llm.chunk', 'llm.end: tool-calls, attempts: 1'],
  },
  {
    name: 'an answer after a retry',
    client: { maxRetries: 1 },
    answers: (wire) => [busy(wire), whole(wire)],
    act: ask,
    requests: 2,
    tree: ['llm.start', 'llm.retry', 'llm.end: stop, attempts: 2'],
    fetched: [...BUSY, 'llm.start', 'llm.end: stop, attempts: 1'],
  },
  {
    name: 'a stream after two retries',
    client: { maxRetries: 2 },
    answers: (wire) => [busy(wire), busy(wire), streamed(wire)],
    act: read,
    requests: 3,
    tree: ['llm.start', 'llm.retry', 'llm.retry', 'llm.chunk', 'llm.end: stop, attempts: 3'],
    fetched: [...BUSY, ...BUSY, 'llm.start', 'llm.chunk', 'llm.end: stop, attempts: 1'],
  },
];

const STOPS: readonly Scenario[] = [
  {
    name: 'a reader that leaves',
    answers: (wire) => [stalled(wire.opening, wire.text('one'))],
    act: leave,
    tree: ['llm.start', 'llm.chunk', 'llm.end: cancelled, attempts: 1'],
  },
  {
    name: 'an abort before the answer',
    answers: () => [silence],
    act: aborts(false, 0),
    throws: ABORTED,
    tree: ['llm.start', 'llm.error: aborted, aborted, attempts: 1'],
  },
  {
    name: 'an abort before the stream',
    answers: () => [silence],
    act: aborts(true, 0),
    throws: ABORTED,
    tree: ['llm.start', 'llm.error: aborted, aborted, attempts: 1'],
  },
  {
    name: 'an abort within a stream, after which the reader of a client gets the end',
    answers: (wire) => [stalled(wire.opening, wire.text('one'))],
    act: (place) => aborts(true, 1)(place),
    throws: { own: 'LlmAbortedError', observed: 'none' },
    tree: ['llm.start', 'llm.chunk', 'llm.error: aborted, aborted, attempts: 1'],
  },
  {
    name: "the client's timeout",
    client: { maxRetries: 0, timeout: TIMEOUT_MS },
    answers: () => [silence],
    act: timesOut,
    throws: { own: 'LlmTimeoutError', observed: 'APIConnectionTimeoutError' },
    tree: ['llm.start', 'llm.error: timeout, attempts: 1'],
    fetched: ['llm.start', 'llm.error: aborted, aborted, attempts: 1'],
  },
  {
    name: 'a refusal by a critical start handler',
    failAt: 'start',
    answers: () => [],
    act: ask,
    requests: 0,
    throws: 'CallbackAbort',
    tree: ['llm.start', 'llm.error: callback_abort, attempts: 0'],
  },
  {
    name: 'a refusal of a stream',
    failAt: 'start',
    answers: () => [],
    act: read,
    requests: 0,
    throws: 'CallbackAbort',
    tree: ['llm.start', 'llm.error: callback_abort, attempts: 0'],
  },
  {
    name: 'a critical handler of chunks that fails',
    failAt: 'chunk',
    answers: (wire) => [streamed(wire)],
    act: read,
    throws: 'CallbackAbort',
    tree: ['llm.start', 'llm.chunk', 'llm.error: callback_abort, attempts: 1'],
  },
  {
    name: 'a critical end handler that fails',
    failAt: 'end',
    answers: (wire) => [whole(wire)],
    act: ask,
    throws: 'CallbackAbort',
    tree: ['llm.start', 'llm.end: stop, attempts: 1'],
  },
];

const ERRORS: readonly Scenario[] = [
  {
    name: 'a rejected key',
    client: { maxRetries: 1 },
    answers: (wire) => [json(wire.error({ type: 'authentication_error' }), 401)],
    act: ask,
    throws: { own: 'LlmAuthenticationError', observed: 'AuthenticationError' },
    tree: ['llm.start', 'llm.error: authentication, attempts: 1'],
  },
  {
    name: 'retries that all fail',
    client: { maxRetries: 1 },
    answers: (wire) => [busy(wire), busy(wire)],
    act: read,
    requests: 2,
    throws: { own: 'LlmOverloadedError', observed: ALL_FAILED },
    tree: ['llm.start', 'llm.retry', 'llm.error: overloaded, attempts: 2'],
    fetched: [...BUSY, ...BUSY],
  },
  {
    name: 'an error in the stream',
    answers: (wire) => [
      events(wire.opening, wire.text('one'), wire.streamError({ type: 'overloaded_error' })),
    ],
    act: read,
    throws: { own: 'LlmOverloadedError', observed: STREAM_FAILED },
    tree: ['llm.start', 'llm.chunk', 'llm.error: overloaded, attempts: 1'],
  },
  {
    name: 'a lost connection',
    answers: (wire) => [cutStream(wire.opening, wire.text('one'))],
    act: read,
    throws: { own: 'LlmConnectionError', observed: 'TypeError' },
    tree: ['llm.start', 'llm.chunk', 'llm.error: connection, attempts: 1'],
  },
];

const NESTED: readonly Scenario[] = [
  {
    name: 'an answer in a chain',
    answers: (wire) => [whole(wire)],
    act: inChain(ask),
    tree: ['chain.start', '  llm.start', '  llm.end: stop, attempts: 1', 'chain.end'],
  },
  {
    name: 'a stream in a chain',
    answers: (wire) => [streamed(wire)],
    act: inChain(read),
    tree: [
      'chain.start',
      '  llm.start',
      '  llm.chunk',
      '  llm.end: stop, attempts: 1',
      'chain.end',
    ],
  },
  {
    name: "a stream in an agent's tool",
    answers: (wire) => [
      says(wire, 'generate', { toolCalls: [LOOKUP] }),
      streamed(wire),
      whole(wire),
    ],
    act: inAgent(read),
    requests: 3,
    tree: [
      'agent.start',
      '  llm.start',
      '  llm.end: tool-calls, attempts: 1',
      '  tool.start',
      '    llm.start',
      '    llm.chunk',
      '    llm.end: stop, attempts: 1',
      '  tool.end',
      'agent.step',
      '  llm.start',
      '  llm.end: stop, attempts: 1',
      'agent.step',
      'agent.end',
    ],
  },
];

const UNREAD: Scenario = {
  name: 'a stream that nobody reads',
  answers: (wire) => [stalled(wire.opening, wire.text('one'))],
  act: async ({ caller }) => void (await caller.stream()),
  tree: ['llm.start', 'llm.end: cancelled, attempts: 1'],
  differs: { why: 'a stream of this library is cold: unread, it is no run', own: [] },
};

const SCENARIOS = [...ANSWERS, ...STOPS, ...ERRORS, ...NESTED];
const isOfCloud = (wire: WireFormat) => !WIRES.includes(wire);
const PLACES = [...WIRES, ...CLOUDS].map((wire) => [titleOf(wire), wire] as const);

describe.each(PLACES)('Calls of %s', (_title, wire) => {
  let bench: Bench;

  afterEach(async () => {
    jest.restoreAllMocks();
    await bench.close();
  });

  /** Opens an application; returns an observed client, and one whose `fetch` is the application's. */
  async function open({ client = {}, failAt }: Scenario): Promise<readonly [OpenAI, OpenAI]> {
    const options = { maxRetries: 0, fetch: fetchInRealm, ...client };
    bench = new Bench(wire, {
      llm: (origin) => ({ client: newClient(wire, origin, options) }),
      providers: [Guards, Tools],
      agent: { tools: [Tools] },
    });
    await bench.open();
    bench.app.get(Guards).failAt = failAt;
    const raw = newClient(wire, bench.server.origin, options) as OpenAI;
    const callbacks = bench.app.get(CallbacksService);
    const fetch = callbacks.fetch({ fetch: fetchInRealm, unreadMs: UNREAD_MS });
    const fetching = newClient(wire, bench.server.origin, { ...options, fetch }) as OpenAI;
    return [callbacks.observe(raw, { unreadMs: UNREAD_MS }), fetching];
  }

  /** Plays a scenario; returns what its events were and what its caller got. */
  async function play({ answers, act }: Scenario, caller: Caller) {
    bench.recording.clear();
    const before = bench.server.exchanges.length;
    bench.server.answers(...answers(wire).map((answer) => servedBy(wire, answer)));
    let thrown = 'none';
    await act({ bench, caller }).catch((error: unknown) => {
      thrown = (error as Error).constructor.name;
    });
    await bench.app.get(OpenRuns).idle();
    const recorded = [...bench.recording.events];
    const requests = bench.server.exchanges.length - before;
    return { tree: treeOf(recorded), content: contentOf(recorded), thrown, requests, recorded };
  }

  it.each(SCENARIOS)(
    'are the same runs by this library and by an observed client: $name',
    async (scenario) => {
      const { tree, throws = 'none', requests = 1 } = scenario;
      const thrown = typeof throws === 'string' ? { own: throws, observed: throws } : throws;
      const [client] = await open(scenario);
      const own = await play(scenario, ownCaller(bench.llm));
      const observed = await play(scenario, clientCaller(wire, client));
      expect(own).toMatchObject({ tree, thrown: thrown.own, requests });
      expect(observed).toMatchObject({ tree, requests });
      expect(observed.thrown).toMatch(classOf(thrown.observed, wire));
      expect(observed.content).toEqual(own.content);
      expect(own.recorded.filter((event) => event.observed)).toEqual([]);
      expect(new Set(observed.recorded.map(({ origin }) => origin))).toContain(wire.provider);
    },
  );

  // Below clients of clouds, a `fetch` sees no messages.
  const observedByFetch = isOfCloud(wire) ? [] : SCENARIOS;
  for (const scenario of observedByFetch) {
    it(`are the same runs by this library and by callbacks.fetch(): ${scenario.name}`, async () => {
      const { tree, fetched = tree, throws = 'none', requests = 1 } = scenario;
      const thrown = classOf(typeof throws === 'string' ? throws : throws.observed, wire);
      const [, fetching] = await open(scenario);
      const own = await play(scenario, ownCaller(bench.llm));
      const played = await play(scenario, clientCaller(wire, fetching));
      expect(played).toMatchObject({ tree: fetched, thrown, requests });
      expect(played.content.at(-1)).toEqual(own.content.at(-1));
      expect(new Set(played.recorded.map(({ origin }) => origin))).toContain('fetch');
    });
  }

  it('are not the same for a stream that nobody reads: only the client has sent its request', async () => {
    const clients = await open(UNREAD);
    const own = await play({ ...UNREAD, answers: () => [] }, ownCaller(bench.llm));
    expect(own).toMatchObject({ tree: UNREAD.differs!.own, requests: 0 });

    const timers = jest.spyOn(globalThis, 'setTimeout');
    const act: Scenario['act'] = async (place) => {
      await UNREAD.act(place);
      expire(timers, UNREAD_MS);
    };
    const played = isOfCloud(wire) ? clients.slice(0, 1) : clients;
    for (const [i, client] of played.entries()) {
      timers.mockClear();
      const observed = await play({ ...UNREAD, act }, clientCaller(wire, client));
      expect(observed).toMatchObject({ tree: UNREAD.tree, thrown: 'none', requests: 1 });
      expect(await bench.server.exchanges[i]!.aborted).toBe(true);
    }
  });
});
