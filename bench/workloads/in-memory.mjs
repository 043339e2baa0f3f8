// The way of one event to its handlers, and of ready chunks to their reader, without any wire.

/** In nanoseconds of CPU. */
const GOALS_NS = {
  sync: { 0: 10, 1: 25, 10: 150 },
  async: { 1: 180, 10: 850 },
};
const SMOKE_TIMES = 1_000;

export function inMemoryWorkloads({ smoke }) {
  const times = (full) => (smoke ? SMOKE_TIMES : full);
  return [
    ...[0, 1, 10, 100].map((handlers) =>
      dispatch('sync', handlers, times(Math.min(2_000_000, 5_000_000 / (handlers || 1)))),
    ),
    // To nobody there is no difference.
    ...[1, 10, 100].map((handlers) => dispatch('async', handlers, times(500_000 / handlers))),
    ...[0, 1, 10].map((handlers) => stream(handlers, times(200_000))),
  ];
}

function dispatch(kind, handlers, times) {
  const ns = GOALS_NS[kind][handlers];
  const options = { handlers, isAsync: kind === 'async' };
  return {
    name: `dispatch-${kind}-${handlers}`,
    title: `chunk event to ${handlers} ${kind} handlers`,
    unit: 'event',
    unitsEach: 1,
    expected: 'dispatched',
    times,
    options,
    contenders: [
      ...againstLoop('dispatch'),
      { name: 'Nest event-emitter', module: 'in-memory/dispatch-emitter' },
    ],
    goals: ns === undefined ? [] : [{ ns }],
  };
}

function stream(handlers, times) {
  return {
    name: `provider-${handlers}`,
    title: `in-memory stream, ${handlers} sync handlers`,
    unit: 'chunk',
    unitsEach: 1,
    expected: 'chunks',
    times,
    options: { handlers },
    contenders: againstLoop('provider'),
    goals: [],
  };
}

function againstLoop(kind) {
  const module = `in-memory/${kind}-loop`;
  return [
    { name: 'plain loop', module },
    { name: 'plain loop again', module, control: true },
    { name: 'ours', module: `in-memory/${kind}-ours` },
  ];
}
