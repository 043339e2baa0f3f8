// What grows with time or with the application, and must not: memory, start-up, and the price of an event.
const NOTHING_LEFT = [{ bytes: 10 }];
const START_UP_GOALS = [{ to: 'Nest alone', addedMs: 60 }];
const OPEN_RUN_GOALS = [{ to: 'raw SDK', addedBytes: 4_096 }];
/** A fiftieth of what goes through. */
const CONSTANT = [{ bytes: 1_000_000 }];

export function growthWorkloads({ smoke }) {
  const size = (full, little) => (smoke ? little : full);
  return [
    leftBy('call', size(20_000, 20), { streaming: false }),
    leftBy('stream', size(20_000, 20), { streaming: true, chunks: 5 }),
    heldBy(size(2_000, 20)),
    heldByObserved(size(2_000, 20)),
    longStream({ events: size(50_000, 50), characters: 1_000, looks: 10 }),
    startUp(size(1_000, 10)),
    ...size([100, 10_000], [100]).map((open) => openRuns(open, 'all', size(200_000, 1_000))),
    openRuns(size(10_000, 100), 'one', size(200_000, 1_000)),
    ...['events', 'runs'].map((what) =>
      handlersElsewhere(what, size(10_000, 100), size(what === 'runs' ? 200_000 : 2_000_000, 100)),
    ),
  ];
}

function leftBy(unit, times, options) {
  const module = 'growth/many-calls-provider';
  return {
    name: `left-by-${unit}s`,
    title: `memory left by in-memory ${unit}s`,
    measures: 'memory',
    unit,
    unitsEach: 1,
    expected: 'calls',
    times,
    options,
    contenders: [
      { name: 'provider alone', module },
      { name: 'provider alone again', module, control: true },
      { name: 'ours', module: 'growth/many-calls-ours' },
    ],
    goals: NOTHING_LEFT,
  };
}

function heldBy(times) {
  return {
    name: 'held-by-open-streams',
    title: `memory held by ${times} open OpenAI streams`,
    measures: 'memory',
    unit: 'stream',
    unitsEach: 1,
    expected: 'open',
    times,
    mostRounds: 3,
    options: {},
    contenders: againstSdk('held-streams'),
    goals: OPEN_RUN_GOALS,
  };
}

/** The same, through the same client, observed. */
function heldByObserved(times) {
  const workload = heldBy(times);
  const contenders = workload.contenders.map((one) =>
    one.name === 'ours' ? { ...one, module: 'growth/held-streams-observed' } : one,
  );
  return {
    ...workload,
    name: 'held-by-observed-streams',
    title: workload.title.replace('open', 'open observed'),
    contenders,
  };
}

function longStream(options) {
  const megabytes = (options.events * options.characters) / 1e6;
  return {
    name: 'held-by-long-stream',
    title: `memory held during an OpenAI stream of ${megabytes} MB of text`,
    measures: 'memory',
    unit: 'stream',
    unitsEach: 1,
    expected: 'streams',
    times: 1,
    mostRounds: 3,
    options,
    contenders: againstSdk('long-stream'),
    goals: CONSTANT,
  };
}

function startUp(classes) {
  const module = 'growth/start-up-nest';
  return {
    name: 'start-up',
    title: `start of an application with ${classes} providers of 5 methods`,
    measures: 'wall',
    unit: 'start',
    unitsEach: 1,
    expected: 'started',
    times: 1,
    isOnce: true,
    options: { classes },
    contenders: [
      { name: 'Nest alone', module },
      { name: 'Nest alone again', module, control: true },
      { name: 'ours', module: 'growth/start-up-ours' },
    ],
    goals: START_UP_GOALS,
  };
}

/** Of the open streams all are read in turn, or one. The first contender is ours as well, when it is small. */
function openRuns(open, read, times) {
  return {
    name: `runs-open-${open}-${read}-read`,
    title: `${open} in-memory streams open, ${read === 'all' ? 'read in turn' : 'one of them read'}`,
    unit: 'chunk',
    unitsEach: 1,
    expected: 'chunks',
    times,
    options: { read },
    contenders: grown('1 stream open', 'open-runs', { open: 1 }, { open }),
    goals: [],
  };
}

function handlersElsewhere(what, elsewhere, times) {
  const unit = what.slice(0, -1);
  return {
    name: `handlers-elsewhere-${what}`,
    title: `${elsewhere} handlers registered in other scopes`,
    unit,
    unitsEach: 1,
    expected: what,
    times,
    options: { what },
    contenders: grown('10 handlers', 'scoped-handlers', { elsewhere: 10 }, { elsewhere }),
    goals: [],
  };
}

function againstSdk(kind) {
  const module = `growth/${kind}-sdk`;
  return [
    { name: 'raw SDK', module },
    { name: 'raw SDK again', module, control: true },
    { name: 'ours', module: `growth/${kind}-ours` },
  ];
}

function grown(name, kind, small, large) {
  const module = `growth/${kind}`;
  return [
    { name, module, options: small },
    { name: `${name} again`, module, options: small, control: true },
    { name: 'ours', module, options: large },
  ];
}
