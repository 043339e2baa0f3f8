// One file for each major of Node, and of OpenAI's SDK where it is not the one that package.json names: those that are kept
// for the tables, and the last ones.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { measuredPackages, pinnedVersionOf, versionOf } from './library-copy.mjs';

const FOLDER = new URL('../results/', import.meta.url);
/** Its majors cost differently, and both are supported. */
const SDK = 'openai';
const KEPT = /^(node-\d+(?:-openai-\d+)?)\.json$/;

/** On what it is measured, and with what. */
export function describeMachine() {
  return {
    node: process.versions.node,
    cpu: cpus()[0].model.trim(),
    cores: cpus().length,
    platform: `${process.platform} ${process.arch}`,
    versions: Object.fromEntries(measuredPackages().map((name) => [name, versionOf(name)])),
  };
}

/** The names of all that is kept, in the order of the tables. */
export function keptNames() {
  const names = readdirSync(FOLDER).flatMap((file) => KEPT.exec(file)?.[1] ?? []);
  return names.toSorted();
}

/** What is kept by a name, as `node-24`, if there is anything. */
export function keptResults(name) {
  const file = fileOf(name);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

/** Throws where what is kept was measured with something else, so that new results must not stand beside it. */
export function checkKept(machine) {
  const { results: _, ...kept } = keptResults(nameOf(machine)) ?? machine;
  const [before, now] = [kept, machine].map(({ versions, ...rest }) => ({ ...rest, ...versions }));
  const differing = Object.keys({ ...before, ...now }).filter((key) => before[key] !== now[key]);
  if (differing.length === 0) return;
  const changes = differing.map(
    (key) => `${key} ${before[key] ?? 'none'}, now ${now[key] ?? 'none'}`,
  );
  throw new Error(`Run all workloads again: what is kept was measured with ${changes.join('; ')}.`);
}

/** Keeps results in the place of the same workloads' older ones; `names` are all workloads, in their order. */
export function keepResults(machine, results, names) {
  const older = keptResults(nameOf(machine))?.results ?? [];
  const all = names.flatMap((name) => {
    const of = (list) => list.filter((result) => result.name === name);
    const [found] = [...of(results), ...of(older)];
    return found === undefined ? [] : [found];
  });
  return write(nameOf(machine), { ...machine, results: all });
}

/** Writes results that are not for the tables. */
export function writeResults(machine, results) {
  return write(`last-${nameOf(machine)}`, { ...machine, results });
}

function write(name, content) {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(fileOf(name), `${JSON.stringify(content, null, 2)}\n`);
  return `bench/results/${name}.json`;
}

function fileOf(name) {
  return new URL(`${name}.json`, FOLDER);
}

function nameOf({ node, versions }) {
  const sdk = majorOf(versions[SDK]);
  const other = sdk === majorOf(pinnedVersionOf(SDK)) ? '' : `-${SDK}-${sdk}`;
  return `node-${majorOf(node)}${other}`;
}

function majorOf(version) {
  return version.split('.')[0];
}
