// What is measured, of whom. A new workload is a new entry here; a new contender is a file in contenders/ and its name
// in the lists below.

/** The goals of the project, as ratios to the first contender or in nanoseconds of CPU. */
const STREAM_GOAL = { ratio: 1.15 };
const CALL_GOAL = { ratio: 1.1 };
const DISPATCH_GOAL_NS = { 1: 30, 10: 200 };

const CHUNKS = 2_000;
const WIRES = ['openai', 'anthropic'];
const LABELS = { openai: 'OpenAI', anthropic: 'Anthropic' };
/** A smoke run does a little of everything, to see that it is right. */
const SMOKE = { chunks: 100, times: 2, calls: 10, dispatches: 1_000 };

export function workloads({ smoke = false } = {}) {
  const stream = { chunks: smoke ? SMOKE.chunks : CHUNKS, times: smoke ? SMOKE.times : 15 };
  return [
    ...WIRES.flatMap((wire) => [1, 64].map((perPacket) => streamOf(wire, perPacket, stream))),
    ...WIRES.map((wire) => callOf(wire, smoke ? SMOKE.calls : 1000)),
    ...[0, 1, 10].map((handlers) =>
      inMemory('dispatch', handlers, {
        title: `chunk event to ${handlers} sync hooks`,
        unit: 'event',
        times: smoke ? SMOKE.dispatches : handlers > 1 ? 500_000 : 2_000_000,
        ...(handlers > 0 && { goal: { ns: DISPATCH_GOAL_NS[handlers] } }),
      }),
    ),
    ...[0, 1, 10].map((handlers) =>
      inMemory('provider', handlers, {
        title: `in-memory stream, ${handlers} sync hooks`,
        unit: 'chunk',
        times: smoke ? SMOKE.dispatches : 200_000,
      }),
    ),
  ];
}

function streamOf(wire, perPacket, { chunks, times }) {
  return {
    name: `${wire}-stream-${perPacket}`,
    title: `${LABELS[wire]} stream, ${perPacket} event${perPacket > 1 ? 's' : ''} a packet`,
    unit: 'chunk',
    unitsEach: chunks,
    expected: 'chunks',
    times,
    options: { wire, streaming: true, server: { chunks, perPacket } },
    contenders: againstSdk(wire),
    goal: STREAM_GOAL,
  };
}

function callOf(wire, times) {
  return {
    name: `${wire}-call`,
    title: `${LABELS[wire]} call, not streamed`,
    unit: 'call',
    unitsEach: 1,
    expected: 'answers',
    times,
    options: { wire, streaming: false, server: { chunks: 50, perPacket: 1 } },
    contenders: againstSdk(wire),
    goal: CALL_GOAL,
  };
}

/** Peer and ours, without any wire. */
function inMemory(kind, handlers, workload) {
  return {
    ...workload,
    name: `${kind}-${handlers}`,
    unitsEach: 1,
    expected: kind === 'dispatch' ? 'dispatched' : 'chunks',
    options: { handlers },
    contenders: [
      { name: 'plain loop', module: `${kind}-loop` },
      { name: 'plain loop again', module: `${kind}-loop`, control: true },
      { name: 'ours', module: `${kind}-ours` },
    ],
  };
}

/** The first contender is what the others are compared with; the control is the same once more. */
function againstSdk(wire) {
  return [
    { name: 'raw SDK', module: `${wire}-sdk` },
    { name: 'raw SDK again', module: `${wire}-sdk`, control: true },
    { name: 'raw SDK in AsyncLocalStorage', module: `${wire}-sdk`, options: { inContext: true } },
    { name: 'ours', module: 'ours' },
  ];
}
