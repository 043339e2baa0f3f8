import { checkWork } from './equal-work.mjs';
import { goalsOf } from './goals.mjs';
import { contenderProcess, Seat } from './seat.mjs';
import { summary } from './statistics.mjs';

/**
 * Measures one workload: several sets of fresh processes, in each set rounds in which every contender does the same
 * work, one after the other, in an order that turns, as does the order in which the processes of a set are started.
 * Returns one result a contender.
 *
 * @param plan.shared a process for all contenders, where nobody looks at the figures
 */
export async function measure(workload, plan) {
  const sets = [];
  try {
    for (const [number, set] of setsOf(workload, plan).entries()) {
      sets.push(await measureSet(workload, { ...plan, ...set, number }));
    }
  } catch (error) {
    throw new Error(`${workload.name}: ${error.message}`, { cause: error });
  }
  const rounds = sets.flatMap((set) => set.rounds);
  return workload.contenders.map(({ name, control = false }, i) => {
    const each = (value) => summary(rounds.map((round) => value(round[i], round[0])));
    const ofProcess = (key) => summary(sets.map(({ memory }) => memory[i][key]));
    return {
      contender: name,
      control,
      cpuNs: each((own) => own.cpuNs),
      wallNs: each((own) => own.wallNs),
      // Of one round each, so that what disturbs the machine for a while disturbs both.
      ratio: each((own, first) => own.cpuNs / first.cpuNs),
      wallRatio: each((own, first) => own.wallNs / first.wallNs),
      addedWallNs: each((own, first) => own.wallNs - first.wallNs),
      ...(workload.measures === 'wall' && {
        addedCpuNs: each((own, first) => own.cpuNs - first.cpuNs),
      }),
      ...(workload.measures === 'memory' && {
        keptBytes: each((own) => own.keptBytes),
        addedBytes: each((own, first) => own.keptBytes - first.keptBytes),
      }),
      peakBytes: ofProcess('peakBytes'),
      heapAfterBytes: ofProcess('heapAfterBytes'),
      goals: goalsOf(workload, rounds, i),
      work: rounds[0][i].work,
    };
  });
}

/** All work is done once, and nothing before it. */
export const ONCE = { warmUpRounds: 0, turns: { each: 1, ms: 0 } };

/** How many sets and rounds there are of a workload, which may do with fewer than the plan has. */
export function extentOf({ mostRounds = Infinity, mostSets = Infinity }, { sets, rounds }) {
  return { sets: Math.min(sets, mostSets), rounds: Math.min(rounds, mostRounds) };
}

/** What only happens once a process is measured in a new one each time. */
function setsOf({ isOnce = false, isOneTurn = false, measures, ...workload }, plan) {
  const { sets, rounds } = extentOf(workload, plan);
  if (isOnce) return Array.from({ length: sets * rounds }, () => ({ ...ONCE, rounds: 1 }));
  // Where memory is measured, the contender sees to it that enough is done.
  const turns = isOneTurn || measures === 'memory' ? ONCE.turns : plan.turns;
  const set = { turns, rounds };
  return Array.from({ length: sets }, () => set);
}

async function measureSet(workload, plan) {
  const { warmUpRounds, turns, rounds, number, port, libraries, shared } = plan;
  const { contenders } = workload;
  const seats = [];
  try {
    for (let i = 0; i < contenders.length; i++) {
      const next = (i + number) % contenders.length;
      const { library = 'own', module } = contenders[next];
      const own = () => contenderProcess(libraries[library]);
      seats[next] = shared ? new Seat(shared, { isShared: true }) : new Seat(own());
      await seats[next].setUp(module, optionsOf(workload, contenders[next], port));
    }
    // In turns as well: who had to wait until all others were warm was slower than those who had not.
    const measured = [];
    for (let round = -warmUpRounds; round < rounds; round++) {
      const figures = await playRound(seats, workload, turns, number + round + warmUpRounds);
      if (round >= 0) measured.push(figures);
    }
    const memory = [];
    for (const seat of seats) memory.push(await seat.memory());
    return { rounds: measured, memory };
  } finally {
    // The last comes first, so that what they put on top of each other is taken off. What fails here has failed before.
    const set = seats.filter((seat) => seat !== undefined).toReversed();
    for (const seat of set) await seat.leave().catch(() => undefined);
  }
}

/** Turns in an order that changes with each, so that what disturbs the machine for a while disturbs everyone. */
async function playRound(seats, workload, { each, ms }, first) {
  const sums = seats.map(() => ({ runs: 0, cpuUs: 0, wallUs: 0 }));
  for (let turn = 0; turn < each; turn++) {
    const answers = [];
    for (let i = 0; i < seats.length; i++) {
      const next = (i + turn + first) % seats.length;
      answers[next] = await seats[next].work(workload, ms);
    }
    checkWork(answers, workload);
    answers.forEach((answer, i) => addTo(sums[i], answer));
  }
  return sums.map((sum) => perUnit(sum, sum.runs * workload.times * workload.unitsEach));
}

function addTo(sum, { work, runs, cpuUs, wallUs, keptBytes }) {
  Object.assign(sum, { work, keptBytes });
  sum.runs += runs;
  sum.cpuUs += cpuUs;
  sum.wallUs += wallUs;
}

function perUnit({ work, cpuUs, wallUs, keptBytes }, units) {
  return {
    work,
    cpuNs: (cpuUs * 1_000) / units,
    wallNs: (wallUs * 1_000) / units,
    ...(keptBytes !== undefined && { keptBytes: keptBytes / units }),
  };
}

/** What a contender is told; each wire has its own idea of where `/v1` belongs. */
export function optionsOf({ options: { server, ...common } }, contender, port) {
  const options = { ...common, ...contender.options };
  if (server === undefined) return options;
  const root = `http://127.0.0.1:${port}/${server.chunks}-chunks/${server.perPacket}-per-packet`;
  return { ...options, baseURL: options.wire === 'openai' ? `${root}/v1` : root };
}
