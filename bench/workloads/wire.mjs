// Answers of a server in a process of its own, through an SDK or something around it.

/** The goals of the project, as ratios to the raw SDK. */
const STREAM_GOALS = [{ to: 'raw SDK', ratio: 1.15 }];
const CALL_GOALS = [{ to: 'raw SDK', ratio: 1.1 }];

const CHUNKS = 2_000;
const WIRES = ['openai', 'anthropic'];
const LABELS = { openai: 'OpenAI', anthropic: 'Anthropic' };
const SMOKE = { chunks: 100, times: 2, calls: 10 };

export function wireWorkloads({ smoke }) {
  const stream = { chunks: smoke ? SMOKE.chunks : CHUNKS, times: smoke ? SMOKE.times : 15 };
  return [
    ...WIRES.flatMap((wire) => [1, 64].map((perPacket) => streamOf(wire, perPacket, stream))),
    ...WIRES.map((wire) => callOf(wire, smoke ? SMOKE.calls : 1000)),
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
    goals: STREAM_GOALS,
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
    goals: CALL_GOALS,
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
