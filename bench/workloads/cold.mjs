// What a process does once: it starts, and is asked for the first time. All by the clock, each time in a new process.

/** By the clock, on top of the same application with the raw SDK; by major of Node. */
const GOALS_MS = { start: { 20: 110, 24: 60 }, firstCall: { 20: 30, 24: 15 } };
const FIRST = 'Nest with raw SDK';

export function coldWorkloads() {
  return [
    cold('start', {
      name: 'cold-start',
      title: 'Cold: start of an application, its imports included',
      unit: 'start',
      expected: 'started',
      goals: [{ to: FIRST, addedMs: GOALS_MS.start }],
    }),
    cold('first-call', {
      name: 'cold-first-call',
      title: 'Cold: first OpenAI call, not streamed',
      unit: 'call',
      expected: 'answers',
      goals: [{ to: FIRST, addedMs: GOALS_MS.firstCall }],
    }),
  ];
}

function cold(kind, workload) {
  const module = `cold/${kind}`;
  const [nest, ours] = ['nest', 'ours'].map((application) => ({
    module,
    options: { application },
  }));
  return {
    state: 'cold',
    measures: 'wall',
    isOnce: true,
    unitsEach: 1,
    times: 1,
    options: { wire: 'openai', server: { chunks: 50, perPacket: 1 } },
    contenders: [
      { name: FIRST, ...nest },
      { name: `${FIRST} again`, ...nest, control: true },
      { name: 'ours', ...ours },
    ],
    ...workload,
  };
}
