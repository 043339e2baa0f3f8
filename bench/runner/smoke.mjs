import { measure, ONCE } from './measure.mjs';
import { contenderProcess } from './seat.mjs';

const LIMIT_MS = 60_000;
/** Nobody looks at the times, so that neither workloads nor contenders need be alone: packages are loaded twice only. */
const PROCESSES = 2;

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
  const workOff = async (shared) => {
    const plan = { sets: 1, rounds: 1, ...ONCE, shared, ...surroundings };
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const results = await measure(next, plan);
      contenders += results.length;
      const work = JSON.stringify(results[0].work);
      console.log(`${next.name}: ${results.length} contenders did equal work, ${work}`);
    }
  };
  const processes = Array.from({ length: PROCESSES }, () =>
    contenderProcess(surroundings.libraries.own),
  );
  try {
    await Promise.all(processes.map(workOff));
  } finally {
    waiting.length = 0;
    await Promise.all(processes.map((process) => process.end()));
    clearTimeout(timer);
  }
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
  console.log(
    `${contenders} contenders in ${workloads.length} workloads: each did the work that was asked for, and counted the same as the first. ${seconds} s; times and memory were not looked at.`,
  );
}
