// npm start [-- --only openai,dispatch --sets 3 --rounds 9 --library path --with name=path --save]
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { placeLibrary } from './runner/library-copy.mjs';
import { ChildProcess } from './runner/child-process.mjs';
import { measure } from './runner/measure.mjs';
import { describeMachine, printResult, writeResults } from './runner/report.mjs';
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
    /** Keeps the results for the README. */
    save: { type: 'boolean', default: false },
  },
});

const SMOKE_LIMIT_MS = 60_000;

if (args.save && (args.only || args.with.length > 0)) {
  throw new Error('Only a whole run is kept: --save goes with neither --only nor --with.');
}
if (args.smoke) setTimeout(tooLong, SMOKE_LIMIT_MS).unref();

const server = new ChildProcess(new URL('server/server.mjs', import.meta.url));
try {
  const { port } = await server.ask();
  const rivals = args.with.map((pair) => pair.split('='));
  const libraries = Object.fromEntries(
    [['own', args.library], ...rivals].map(([name, root]) => [name, placeLibrary(root, name)]),
  );
  const plan = args.smoke
    ? { sets: 1, warmUp: 0, rounds: 1 }
    : { sets: Number(args.sets), warmUp: 3, rounds: Number(args.rounds) };
  await run(chosen(rivals), { ...plan, port, libraries });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await server.end();
}

/** The other processes end when this one has gone. */
function tooLong() {
  console.error('The smoke run took too long.');
  process.exit(1);
}

function chosen(rivals) {
  const prefixes = args.only.split(',');
  const found = workloads(args)
    .filter(({ name }) => prefixes.some((prefix) => name.startsWith(prefix)))
    .map((workload) => ({ ...workload, contenders: contendersOf(workload, rivals) }));
  if (found.length === 0) throw new Error(`No workload begins with ${args.only}.`);
  return found;
}

/** Those of the workload, and ours once more for each other build. */
function contendersOf({ contenders }, rivals) {
  const own = contenders.at(-1);
  const others = rivals.map(([library]) => ({ ...own, library, name: `${own.name}: ${library}` }));
  const needed = args.smoke ? contenders.filter(({ control }) => !control) : contenders;
  return [...needed, ...others];
}

async function run(list, plan) {
  const results = [];
  for (const workload of list) {
    const contenders = await measure(workload, plan);
    if (args.smoke)
      console.log(`${workload.name}: equal work, ${JSON.stringify(contenders[0].work)}`);
    else printResult(workload, contenders);
    const { name, title, unit, goal } = workload;
    results.push({ name, title, unit, goal, contenders });
  }
  if (args.smoke) return;
  const { sets, rounds } = plan;
  const file = writeResults({ ...describeMachine(), sets, rounds, results }, args.save);
  console.log(`\nWritten to ${file}`);
}
