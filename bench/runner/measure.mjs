import { isDeepStrictEqual } from 'node:util';
import { ChildProcess } from './child-process.mjs';
import { summary } from './statistics.mjs';

const CONTENDER = new URL('contender-process.mjs', import.meta.url);

/**
 * Measures one workload: several sets of fresh processes, in each set rounds in which every contender does the same
 * work once, one after the other, in an order that turns. Returns one result a contender.
 */
export async function measure(workload, plan) {
  const rounds = [];
  for (let set = 0; set < plan.sets; set++) rounds.push(...(await measureSet(workload, plan)));
  return workload.contenders.map(({ name, control = false }, i) => {
    const units = workload.times * workload.unitsEach;
    const each = (value) => summary(rounds.map((round) => value(round[i], round[0])));
    return {
      contender: name,
      control,
      cpuNs: each(({ cpuUs }) => (cpuUs * 1_000) / units),
      wallNs: each(({ wallUs }) => (wallUs * 1_000) / units),
      // Of one round each, so that what disturbs the machine for a while disturbs both.
      ratio: each(({ cpuUs }, first) => cpuUs / first.cpuUs),
      work: rounds[0][i].work,
    };
  });
}

async function measureSet(workload, { warmUp, rounds, port, libraries }) {
  const processes = [];
  try {
    for (const contender of workload.contenders) {
      const env = { BENCH_LIBRARY: libraries[contender.library ?? 'own'] };
      const process = new ChildProcess(CONTENDER, { env, execArgv: ['--expose-gc'] });
      processes.push(process);
      const options = optionsOf(workload, contender, port);
      await process.ask({ action: 'setUp', module: contender.module, options });
    }
    const measured = [];
    for (let round = -warmUp; round < rounds; round++) {
      const results = await playRound(processes, workload, Math.abs(round));
      if (round >= 0) measured.push(results);
    }
    return measured;
  } catch (error) {
    throw new Error(`${workload.name}: ${error.message}`, { cause: error });
  } finally {
    await Promise.all(processes.map((process) => process.end()));
  }
}

async function playRound(processes, workload, turn) {
  const results = [];
  for (let i = 0; i < processes.length; i++) {
    const next = (i + turn) % processes.length;
    results[next] = await processes[next].ask({ action: 'round', times: workload.times });
  }
  results.forEach(({ work }, i) => checkWork(work, results[0].work, workload, i));
  return results;
}

/** Everyone did the same work as the first, and all that was asked for. */
function checkWork(work, first, { contenders, times, unitsEach, expected }, i) {
  const right = { ...first, [expected]: times * unitsEach };
  if (isDeepStrictEqual(work, right)) return;
  throw new Error(
    `"${contenders[i].name}" did other work: ${JSON.stringify(work)}, not ${JSON.stringify(right)}.`,
  );
}

/** What a contender is told; each wire has its own idea of where `/v1` belongs. */
export function optionsOf({ options: { server, ...common } }, contender, port) {
  const options = { ...common, ...contender.options };
  if (server === undefined) return options;
  const root = `http://127.0.0.1:${port}/${server.chunks}-chunks/${server.perPacket}-per-packet`;
  return { ...options, baseURL: options.wire === 'openai' ? `${root}/v1` : root };
}
