// Work without any wire.

/** Nanoseconds of CPU, by how many hooks there are. */
const DISPATCH_GOAL_NS = { 1: 30, 10: 200 };
const SMOKE_TIMES = 1_000;

export function inMemoryWorkloads({ smoke = false } = {}) {
  return [
    ...[0, 1, 10].map((handlers) =>
      inMemory('dispatch', handlers, {
        title: `chunk event to ${handlers} sync hooks`,
        unit: 'event',
        times: smoke ? SMOKE_TIMES : handlers > 1 ? 500_000 : 2_000_000,
        ...(handlers > 0 && { goal: { ns: DISPATCH_GOAL_NS[handlers] } }),
      }),
    ),
    ...[0, 1, 10].map((handlers) =>
      inMemory('provider', handlers, {
        title: `in-memory stream, ${handlers} sync hooks`,
        unit: 'chunk',
        times: smoke ? SMOKE_TIMES : 200_000,
      }),
    ),
  ];
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
