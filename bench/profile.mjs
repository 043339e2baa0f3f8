// npm run profile -- openai-stream-1 ours: where the CPU goes while one contender does one workload.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ChildProcess } from './runner/child-process.mjs';
import { placeLibrary } from './runner/library-copy.mjs';
import { optionsOf } from './runner/measure.mjs';
import { contenderProcess, Seat } from './runner/seat.mjs';
import { workloads } from './workloads.mjs';

const FOLDER = fileURLToPath(new URL('results/profile/', import.meta.url));
const SHOWN = 25;
/** Until the engine has compiled what is used often. */
const WARM_UP_MS = 10_000;

const { values: args, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '5' },
    library: { type: 'string', default: fileURLToPath(new URL('..', import.meta.url)) },
  },
});
const [workloadName = 'openai-stream-1', contenderName = 'ours'] = positionals;

const server = new ChildProcess(new URL('server/server.mjs', import.meta.url));
try {
  const { port } = await server.ask();
  printTop(await run(port));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await server.end();
}

async function run(port) {
  const workload = workloads().find((one) => one.name === workloadName);
  const contender = workload?.contenders.find((one) => one.name === contenderName);
  if (contender === undefined)
    throw new Error(`There is no "${contenderName}" in "${workloadName}".`);
  const child = contenderProcess(placeLibrary(args.library, 'profiled'));
  const seat = new Seat(child);
  const file = join(FOLDER, `${workloadName} ${contenderName}.cpuprofile`.replaceAll(' ', '-'));
  mkdirSync(FOLDER, { recursive: true });
  try {
    await seat.setUp(contender.module, optionsOf(workload, contender, port));
    await seat.work(workload, WARM_UP_MS);
    await child.ask({ action: 'startProfile' });
    await seat.work(workload, Number(args.seconds) * 1_000);
    await child.ask({ action: 'stopProfile', file });
  } finally {
    await seat.leave();
  }
  console.log(`${file} (open it in a browser's developer tools)\n`);
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** Which packages, and which functions, took the most time; what they call is not counted. */
function printTop({ nodes, samples, timeDeltas }) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const packages = new Map();
  const functions = new Map();
  let total = 0;
  samples.forEach((id, i) => {
    const frame = frames.get(id);
    if (frame.functionName === '(idle)') return;
    total += timeDeltas[i];
    addTo(packages, packageOf(frame), timeDeltas[i]);
    addTo(functions, label(frame), timeDeltas[i]);
  });
  for (const times of [packages, functions]) {
    const top = [...times].toSorted(([, a], [, b]) => b - a).slice(0, SHOWN);
    for (const [name, time] of top) {
      console.log(`${((100 * time) / total).toFixed(1).padStart(5)} %  ${name}`);
    }
    console.log();
  }
}

function addTo(times, name, time) {
  times.set(name, (times.get(name) ?? 0) + time);
}

function packageOf({ functionName, url }) {
  if (!url) return functionName.startsWith('(') ? functionName : 'engine';
  if (url.includes('/.libraries/')) return 'the library';
  if (url.startsWith('node:')) return url.replace(/^(node:[^/]*\/?[^/]*).*$/, '$1');
  return /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? 'bench';
}

function label({ functionName, url, lineNumber }) {
  if (!url) return functionName;
  const file = url.replace(/^.*(node_modules\/(\.libraries\/[^/]*\/)?|\/bench\/)/, '');
  return `${functionName || '(anonymous)'}  ${file}:${lineNumber + 1}`;
}
