// The process of one contender, or of some in a smoke run: is told what to set up, then does rounds and says what they
// cost.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { allocated, peakMemory } from './memory.mjs';

const contenders = new Map();
let lastKey = 0;
let session;

const ACTIONS = {
  async setUp({ module, options }) {
    const { setUp } = await import(`../contenders/${module}.mjs`);
    const key = ++lastKey;
    contenders.set(key, await setUp(options));
    return { key };
  },

  /** What a round keeps is measured before `release()`, which is no part of it. */
  async round({ key, times, leadIn, measures, collections }) {
    const contender = contenders.get(key);
    const measured =
      measures === 'memory'
        ? await rememberingRound(contender, times, () => allocated(collections))
        : await timedRound(contender, times, undefined, leadIn);
    await contender.release?.();
    return measured;
  },

  async close({ key }) {
    await contenders.get(key).close();
    contenders.delete(key);
    return {};
  },

  /** Of the whole process so far. */
  async memory({ collections }) {
    return { peakBytes: peakMemory(), heapAfterBytes: await allocated(collections) };
  },

  async startProfile() {
    session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    return {};
  },

  async stopProfile({ file }) {
    const { profile } = await session.post('Profiler.stop');
    writeFileSync(file, JSON.stringify(profile));
    return {};
  },
};

async function timedRound(contender, times, look, leadIn = 0) {
  // While a process waits for its turn, its heap shrinks; what it costs to grow again is not the work's.
  if (leadIn > 0) await contender.run(leadIn);
  // Rubbish of the round before is not this one's. Only the young: a full collection takes what the engine has learned
  // of classes without a living instance with it, and makes the next round slower than any real one.
  globalThis.gc?.({ type: 'minor' });
  const startedAt = performance.now();
  const before = process.cpuUsage();
  const work = await contender.run(times, look);
  const { user, system } = process.cpuUsage(before);
  return { work, cpuUs: user + system, wallUs: (performance.now() - startedAt) * 1_000 };
}

/** How much more is alive than before: at the end, or at any moment at which the contender has let it be looked at. */
async function rememberingRound(contender, times, alive) {
  const before = await alive();
  let most = -Infinity;
  const look = async () => (most = Math.max(most, await alive()));
  const timed = await timedRound(contender, times, look);
  await look();
  return { ...timed, keptBytes: most - before };
}

process.on('message', ({ action, ...details }) => {
  ACTIONS[action](details).then(
    (answer) => process.send(answer),
    (error) => process.send({ error: String(error?.stack ?? error) }),
  );
});
process.on('disconnect', () => {
  // Connections that are kept alive would hold the process.
  Promise.all([...contenders.values()].map((contender) => contender.close())).then(
    () => process.exit(),
    () => process.exit(1),
  );
});
