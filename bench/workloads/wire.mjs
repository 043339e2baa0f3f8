// Work that goes over HTTP to the bench's own server, as the providers would be asked.

export const CHUNKS = 2_000;
const WIRES = ['openai', 'anthropic'];
export const LABELS = { openai: 'OpenAI', anthropic: 'Anthropic' };
/**
 * How long it takes the engine to compile what is used often: streams get faster for their first million chunks. Of a call
 * much is done once, so that after some fifteen thousand of them a hundred functions are compiled again, for good.
 */
const WARM_UP_ROUNDS = { streams: 4, calls: 16 };
/** A smoke run does a little of everything, to see that it is right. */
export const SMOKE = { chunks: 100, times: 2, calls: 10, atOnce: 64 };

/** At most so much, in times of what another contender needs, or on top of it; by Node major where that matters. */
const GOALS = {
  openai: {
    stream: [
      { to: 'raw SDK', ratio: { 20: 0.55, 24: 0.42 } },
      { to: 'bare fetch', ratio: 1.35 },
    ],
  },
  anthropic: { stream: [{ to: 'raw SDK', ratio: { 20: 0.9, 24: 0.7 } }] },
};
const CALL_GOALS = [{ to: 'raw SDK', ratio: 1.05 }];
const MEMORY_CALL_GOALS = [{ to: 'raw SDK', addedUs: 40 }];
const AGENT_GOALS = [{ to: 'by hand', ratio: 1.1 }];

export function wireWorkloads({ smoke = false } = {}) {
  const chunks = smoke ? SMOKE.chunks : CHUNKS;
  const streams = { chunks, times: smoke ? SMOKE.times : 2 };
  const calls = (times, atOnce = 1) => (smoke ? Math.max(SMOKE.calls, atOnce) : times);
  const all = [
    ...WIRES.flatMap((wire) => [1, 64].map((perPacket) => streamOf(wire, perPacket, streams))),
    ...WIRES.flatMap((wire) => [1, 64].map((perPacket) => toolStreamOf(wire, perPacket, streams))),
    ...WIRES.map((wire) => callOf(wire, calls(50))),
    ...WIRES.map((wire) => callsAtOnceOf(wire, calls(128, 64))),
    callFromMemory(calls(200)),
    ...[1, 4].map((toolCalls) => agentOf(toolCalls, calls(20))),
  ];
  return smoke ? all.map(lighter) : all;
}

/**
 * For a smoke run, which mostly waits for packages to be loaded: peers do one of the workloads between which only the
 * server's part differs, and nobody does the same once more in a context.
 */
function lighter(workload) {
  const contenders = workload.contenders.filter(
    ({ peer = false, options }) => !(peer && workload.variant) && !options?.inContext,
  );
  return { ...workload, contenders };
}

export function streamOf(wire, perPacket, { chunks, times }) {
  return {
    name: `${wire}-stream-${perPacket}`,
    title: `${LABELS[wire]} stream, ${packets(perPacket)}`,
    unit: 'chunk',
    warmUpRounds: WARM_UP_ROUNDS.streams,
    unitsEach: chunks,
    expected: 'chunks',
    times,
    options: { wire, answer: 'stream', server: { chunks, perPacket } },
    contenders: [...rawOf(wire), BARE_FETCH, ...(perPacket > 1 ? peersOf(wire) : []), OURS],
    goals: GOALS[wire].stream,
  };
}

/** One tool call, whose arguments come in pieces. The peers, which take long, do one of the two. */
function toolStreamOf(wire, perPacket, { chunks, times }) {
  const peers = perPacket > 1 ? [LANGCHAIN, AI_SDK] : [];
  return {
    name: `${wire}-tool-stream-${perPacket}`,
    title: `${LABELS[wire]} tool call, streamed, ${packets(perPacket)}`,
    unit: 'delta',
    warmUpRounds: WARM_UP_ROUNDS.streams,
    unitsEach: chunks,
    expected: 'deltas',
    times,
    options: { wire, answer: 'toolStream', server: { chunks, perPacket } },
    contenders: [...rawOf(wire), BARE_FETCH, ...peers, OURS],
    goals: [],
  };
}

export function callOf(wire, times) {
  return {
    ...wholeAnswers(wire, times),
    name: `${wire}-call`,
    title: `${LABELS[wire]} call, not streamed`,
    contenders: [...rawOf(wire), ...peersOf(wire), OURS],
    goals: CALL_GOALS,
  };
}

function callsAtOnceOf(wire, times) {
  const workload = wholeAnswers(wire, times);
  return {
    ...workload,
    name: `${wire}-calls-at-once`,
    title: `${LABELS[wire]} calls, 64 at once`,
    options: { ...workload.options, atOnce: 64 },
    contenders: [...rawOf(wire), OURS],
    goals: CALL_GOALS,
  };
}

/** The answer is there when it is asked for, so that no wire hides what a call costs. */
function callFromMemory(times) {
  const workload = wholeAnswers('openai', times);
  return {
    ...workload,
    name: 'openai-call-from-memory',
    title: 'OpenAI call, answered from memory',
    options: { ...workload.options, fromMemory: workload.options.server.chunks },
    contenders: [...rawOf('openai'), OURS],
    goals: MEMORY_CALL_GOALS,
  };
}

function wholeAnswers(wire, times) {
  return {
    unit: 'call',
    warmUpRounds: WARM_UP_ROUNDS.calls,
    unitsEach: 1,
    expected: 'answers',
    times,
    options: { wire, answer: 'whole', server: { chunks: 50, perPacket: 1 } },
  };
}

/** A question, tool calls, their results, an answer. */
export function agentOf(calls, times) {
  return {
    name: `agent-${calls}`,
    title: `Agent, ${calls === 1 ? 'one tool call' : `${calls} tool calls at once`}`,
    unit: 'run',
    warmUpRounds: WARM_UP_ROUNDS.calls,
    unitsEach: 1,
    expected: 'answers',
    times,
    variant: calls === 1,
    options: { wire: 'openai', calls, server: { chunks: 50, perPacket: 1 } },
    contenders: [
      ...againAndInContext('by hand', 'agent-by-hand'),
      { name: 'LangChain', module: 'agent-langchain', peer: true },
      { name: 'AI SDK', module: 'agent-ai-sdk', peer: true },
      { name: 'OpenAI Agents', module: 'agent-openai-agents', peer: true },
      { name: 'ours', module: 'agent-ours' },
    ],
    goals: calls === 1 ? AGENT_GOALS : [],
  };
}

const BARE_FETCH = { name: 'bare fetch', module: 'bare-fetch' };
export const LANGCHAIN = { name: 'LangChain', module: 'langchain', peer: true };
export const AI_SDK = { name: 'AI SDK', module: 'ai-sdk', peer: true };
const OPENAI_AGENTS = { name: 'OpenAI Agents', module: 'openai-agents', peer: true };
export const OURS = { name: 'ours', module: 'ours' };

function rawOf(wire) {
  return againAndInContext('raw SDK', `${wire}-sdk`);
}

/** What the others are compared with, once more as the control, and as a server with a request context runs it. */
function againAndInContext(name, module) {
  return [
    { name, module },
    { name: `${name} again`, module, control: true },
    { name: `${name} in AsyncLocalStorage`, module, options: { inContext: true } },
  ];
}

function peersOf(wire) {
  return wire === 'openai' ? [LANGCHAIN, AI_SDK, OPENAI_AGENTS] : [LANGCHAIN, AI_SDK];
}

function packets(perPacket) {
  return `${perPacket} event${perPacket > 1 ? 's' : ''} a packet`;
}
