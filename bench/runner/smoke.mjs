import { measure } from './measure.mjs';

const LIMIT_MS = 60_000;
/** Nobody looks at the times, so that workloads need not be alone. */
const AT_ONCE = 3;

/** Does everything once, to see that all contenders run and do equal work. */
export async function runSmoke(workloads, surroundings) {
  const startedAt = performance.now();
  // The other processes end when this one has gone.
  const timer = setTimeout(() => {
    console.error(`The smoke run took longer than ${LIMIT_MS / 1_000} s.`);
    process.exit(1);
  }, LIMIT_MS);
  const waiting = [...workloads];
  let contenders = 0;
  const workOff = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const results = await measure(next, { sets: 1, warmUp: 0, rounds: 1, ...surroundings });
      contenders += results.length;
      const work = JSON.stringify(results[0].work);
      console.log(`${next.name}: ${results.length} contenders did equal work, ${work}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, workOff));
  } finally {
    waiting.length = 0;
    clearTimeout(timer);
  }
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
  console.log(
    `${workloads.length} workloads × their contenders, ${contenders} processes in all: each did the work that was asked for, and counted the same as the first. ${seconds} s; times and memory were not looked at.`,
  );
}
