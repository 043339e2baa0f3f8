import { describe, expect, it } from '@jest/globals';
import {
  AgentService,
  CacheInterceptor,
  CallbacksService,
  type CallbackEvent,
  type EventType,
  RateLimiter,
} from 'nestjs-llm-callbacks';
import { refusesFirst } from '../support/limited.js';
import { EVENT_TYPES } from '../../src/events/event-map.js';
import {
  ask,
  errorOf,
  failsOnce,
  HELLO,
  json,
  says,
  useBench,
  WIRES,
  type Bench,
} from '../support/wire/index.js';

type Scenario = (bench: Bench) => Promise<unknown>;

/** Not emitted yet. */
const NOT_YET = 'not yet';

const failure = new Error('no');
const fail = async () => Promise.reject(failure);
const services = ({ app }: Bench) => app.get(CallbacksService);

const answers: Scenario = (bench) => {
  bench.server.answers(says(bench.wire, 'stream', HELLO));
  return ask(bench.llm, 'stream');
};
const isRefused: Scenario = (bench) => {
  bench.server.answers(json(bench.wire.error({ type: 'authentication_error' }), 401));
  return errorOf(bench.llm.generate('Hi'));
};
const isTriedAgain: Scenario = (bench) => {
  const { wire, server } = bench;
  server.answers(failsOnce(wire, 500, { type: 'api_error' }), says(wire, 'generate', HELLO));
  return bench.llm.generate('Hi');
};

const isAskedTwice: Scenario = async (bench) => {
  bench.server.answers(says(bench.wire, 'generate', HELLO));
  const callbacks = [new CacheInterceptor()];
  await bench.llm.generate('Hi', { callbacks });
  return bench.llm.generate('Hi', { callbacks });
};

const embeds: Scenario = (bench) => {
  bench.server.answers(json({ data: [{ index: 0, embedding: [1] }] }));
  return bench.llm.embed('printer', { model: 'text-embedding-3-small' });
};
const embedsNothing: Scenario = (bench) => {
  bench.server.answers(json(bench.wire.error({ type: 'authentication_error' }), 401));
  return errorOf(bench.llm.embed('printer', { model: 'text-embedding-3-small' }));
};
const chains: Scenario = (bench) => services(bench).chain('answer', 'Hi', () => 'Hello');
const chainFails: Scenario = (bench) => errorOf(services(bench).chain('answer', 'Hi', fail));
const finds: Scenario = (bench) => services(bench).retrieval('printer', () => ['off and on']);
const findsNothing: Scenario = (bench) => errorOf(services(bench).retrieval('printer', fail));
const uses: Scenario = (bench) => services(bench).tool('find', { id: 7 }, () => 'found');
const toolFails: Scenario = (bench) => errorOf(services(bench).tool('find', { id: 7 }, fail));
const agentAnswers: Scenario = (bench) => {
  bench.server.answers(says(bench.wire, 'generate', HELLO));
  return bench.app.get(AgentService).run('Hi');
};
const agentFails: Scenario = (bench) => {
  bench.server.answers(json(bench.wire.error({ type: 'authentication_error' }), 401));
  return errorOf(bench.app.get(AgentService).run('Hi'));
};
const emits: Scenario = (bench) =>
  services(bench).chain('answer', 'Hi', () => services(bench).emit('ticket.opened', { id: 7 }));
const handlerFails: Scenario = (bench) => {
  services(bench).on('chain.start', fail);
  return chains(bench);
};

const waits: Scenario = async (bench) => {
  bench.server.answers(says(bench.wire, 'generate', HELLO));
  const callbacks = [
    new RateLimiter({ requestsPerMinute: 1, mode: 'wait', store: refusesFirst() }),
  ];
  return bench.llm.generate('Hi', { callbacks });
};
const isHandled: Scenario = (bench) => {
  services(bench).on('chain.start', () => undefined);
  return chains(bench);
};

/** How each event is triggered. */
const EMITTERS = {
  'llm.start': answers,
  'llm.chunk': answers,
  'llm.retry': isTriedAgain,
  'llm.cache': isAskedTwice,
  'llm.end': answers,
  'llm.error': isRefused,
  'embedding.start': embeds,
  'embedding.end': embeds,
  'embedding.error': embedsNothing,
  'agent.start': agentAnswers,
  'agent.step': agentAnswers,
  'agent.end': agentAnswers,
  'agent.error': agentFails,
  'tool.start': uses,
  'tool.end': uses,
  'tool.error': toolFails,
  'chain.start': chains,
  'chain.end': chains,
  'chain.error': chainFails,
  'retrieval.start': finds,
  'retrieval.end': finds,
  'retrieval.error': findsNothing,
  'mcp.connect': NOT_YET,
  'mcp.disconnect': NOT_YET,
  'mcp.progress': NOT_YET,
  'mcp.log': NOT_YET,
  'limiter.wait': waits,
  'callback.end': isHandled,
  'callback.error': handlerFails,
  custom: emits,
} as const satisfies Record<EventType, Scenario | typeof NOT_YET>;

const scenarios = Object.entries<Scenario | typeof NOT_YET>(EMITTERS).filter(
  (entry): entry is [EventType, Scenario] => entry[1] !== NOT_YET,
);

describe('Every event of the event map', () => {
  const bench = useBench(WIRES[0]!, { llm: { maxRetries: 1 } });

  it('is triggered in this test', () => {
    expect(Object.keys(EMITTERS).toSorted()).toEqual(EVENT_TYPES.toSorted());
  });

  it.each(scenarios)('%s is emitted', async (type, scenario) => {
    const events: CallbackEvent[] = [];
    const remove = services(bench).on(type, (event) => void events.push(event));
    await scenario(bench);
    remove();
    expect(events.map((event) => event.type)).toContain(type);
    expect(bench.recording.events.includes(events[0]!)).toBe(type !== 'callback.end');
  });
});
