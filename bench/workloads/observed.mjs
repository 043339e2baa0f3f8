// The same calls of the same clients, observed and not.
import { callOf, CHUNKS, LABELS, SMOKE, streamOf } from './wire.mjs';

const WIRES = ['openai', 'anthropic'];
const TIMES = { streams: 2, calls: 50 };
const PLAIN = { name: 'ours', module: 'observed' };
const HOOKED = { ...PLAIN, name: 'ours with a chunk handler', options: { hooked: true } };
/** In times of what the raw client needs. */
const GOALS = { plain: goalOf(1.15), hooked: goalOf(1.5) };

export function observedWorkloads({ smoke = false } = {}) {
  const chunks = smoke ? SMOKE.chunks : CHUNKS;
  const streams = { chunks, times: smoke ? SMOKE.times : TIMES.streams };
  const calls = smoke ? SMOKE.calls : TIMES.calls;
  return [
    ...WIRES.flatMap((wire) =>
      [1, 64].map((perPacket) =>
        observed(wire, streamOf(wire, perPacket, streams), [
          PLAIN,
          { ...HOOKED, goals: GOALS.hooked },
        ]),
      ),
    ),
    ...WIRES.map((wire) => observed(wire, callOf(wire, calls), [PLAIN])),
  ];
}

function observed(wire, workload, ours) {
  const module = `${wire}-sdk`;
  return {
    ...workload,
    name: `observed-${workload.name}`,
    title: workload.title.replace(LABELS[wire], `Observed ${LABELS[wire]}`),
    contenders: [
      { name: 'raw SDK', module },
      { name: 'raw SDK again', module, control: true },
      ...ours,
    ],
    goals: GOALS.plain,
  };
}

function goalOf(ratio) {
  return [{ to: 'raw SDK', ratio }];
}
