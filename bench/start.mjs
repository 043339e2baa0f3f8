// npm start [-- --only openai,dispatch --sets 3 --rounds 9 --library path --with name=path --save]
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ChildProcess } from './runner/child-process.mjs';
import { chosen } from './runner/choice.mjs';
import { placeLibrary } from './runner/library-copy.mjs';
import { extentOf, measure } from './runner/measure.mjs';
import { printResult } from './runner/report.mjs';
import { checkKept, describeMachine, keepResults, writeResults } from './runner/results-file.mjs';
import { runSmoke } from './runner/smoke.mjs';
import { workloads } from './workloads.mjs';

const { values: args } = parseArgs({
  options: {
    /** Does a little of everything, to see that it works; times mean nothing then. */
    smoke: { type: 'boolean', default: false },
    /** Workloads whose name begins with one of these. */
    only: { type: 'string', default: '' },
    sets: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '9' },
    /** The library's root, built. */
    library: { type: 'string', default: fileURLToPath(new URL('..', import.meta.url)) },
    /** Another build of the library as one more contender: name=root. */
    with: { type: 'string', multiple: true, default: [] },
    /** Keeps the results for the tables; with --only in the place of the same workloads' older ones. */
    save: { type: 'boolean', default: false },
  },
});
/** How often everyone works before it is measured, if the workload needs no more. */
const WARM_UP_ROUNDS = 3;
/** How often everyone has a turn in a round, and how long: all together, a whole collection of the heap must not weigh. */
const TURNS = { each: 10, ms: 150 };

if (args.with.length > 0 && args.smoke) throw new Error('--with does not go with --smoke.');

const server = new ChildProcess(new URL('server/server.mjs', import.meta.url));
try {
  const { port } = await server.ask();
  const rivals = args.with.map((pair) => pair.split('='));
  const libraries = Object.fromEntries(
    [['own', args.library], ...rivals].map(([name, root]) => [name, placeLibrary(root, name)]),
  );
  const all = workloads(args);
  const list = chosen(all, args, rivals);
  if (args.smoke) await runSmoke(list, { port, libraries });
  else await run(list, all, { port, libraries });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await server.end();
}

async function run(list, all, surroundings) {
  const machine = describeMachine();
  const isPart = list.length < all.length;
  if (args.save && isPart) checkKept(machine);
  const plan = { sets: Number(args.sets), rounds: Number(args.rounds) };
  const results = [];
  for (const workload of list) {
    const { name, title, unit, state, measures, warmUpRounds = WARM_UP_ROUNDS } = workload;
    const turns = TURNS;
    const contenders = await measure(workload, { ...plan, warmUpRounds, turns, ...surroundings });
    const extent = extentOf(workload, plan);
    results.push({ name, title, unit, state, measures, ...extent, contenders });
    printResult(results.at(-1));
  }
  const names = all.map(({ name }) => name);
  const file = args.save ? keepResults(machine, results, names) : writeResults(machine, results);
  console.log(`\nWritten to ${file}`);
}
