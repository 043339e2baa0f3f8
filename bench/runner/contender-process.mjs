// The process of one contender: is told what to set up, then does rounds and says what they cost.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';

let contender;
let session;

const ACTIONS = {
  async setUp({ module, options }) {
    const { setUp } = await import(`../contenders/${module}.mjs`);
    contender = await setUp(options);
    return {};
  },

  async round({ times }) {
    // Rubbish of the round before is not this one's. Only the young: a full collection takes what the engine has learned
    // of classes without a living instance with it, and makes the next round slower than any real one.
    globalThis.gc?.({ type: 'minor' });
    const startedAt = performance.now();
    const before = process.cpuUsage();
    const work = await contender.run(times);
    const { user, system } = process.cpuUsage(before);
    return { work, cpuUs: user + system, wallUs: (performance.now() - startedAt) * 1_000 };
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

process.on('message', ({ action, ...details }) => {
  ACTIONS[action](details).then(
    (answer) => process.send(answer),
    (error) => process.send({ error: String(error?.stack ?? error) }),
  );
});
process.on('disconnect', () => {
  // Connections that are kept alive would hold the process.
  Promise.resolve(contender?.close()).then(
    () => process.exit(),
    () => process.exit(1),
  );
});
