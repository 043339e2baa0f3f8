// The process of one contender, or of some in a smoke run: is told what to set up, then does rounds and says what they
// cost.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { isDeepStrictEqual } from 'node:util';
import { allocated, peakMemory } from './memory.mjs';

const contenders = new Map();
let lastKey = 0;
let session;

const ACTIONS = {
  async setUp({ module, options }) {
    const { setUp } = await import(`../contenders/${module}.mjs`);
    const key = ++lastKey;
    contenders.set(key, await setUp(options));
    // Rubbish of this is not the work's.
    globalThis.gc({ type: 'minor' });
    return { key };
  },

  /** What the work keeps is measured before `release()`, which is no part of it. */
  async work({ key, times, measures, collections, collects, ms }) {
    const contender = contenders.get(key);
    // The rubbish of the last turn is not this one's.
    if (collects) globalThis.gc();
    const measured =
      measures === 'memory'
        ? await remembered(contender, times, () => allocated(collections))
        : await timed(ms, () => contender.run(times));
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

/** What it costs to do the work again and again for `ms`; once at least, and the same work each time. */
async function timed(ms, run) {
  const startedAt = performance.now();
  const before = process.cpuUsage();
  const work = await run();
  let runs = 1;
  for (; performance.now() < startedAt + ms; runs++) {
    const again = await run();
    if (!isDeepStrictEqual(again, work)) {
      throw new Error(`It did other work than before: ${JSON.stringify([work, again])}.`);
    }
  }
  const { user, system } = process.cpuUsage(before);
  return { work, runs, cpuUs: user + system, wallUs: (performance.now() - startedAt) * 1_000 };
}

/** How much more is alive than before: at the end, or at any moment at which the contender has let it be looked at. */
async function remembered(contender, times, alive) {
  const before = await alive();
  let most = -Infinity;
  const look = async () => (most = Math.max(most, await alive()));
  const answer = await timed(0, () => contender.run(times, look));
  await look();
  return { ...answer, keptBytes: most - before };
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
