import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { versionOf } from './library-copy.mjs';

const RESULTS = new URL('../results/', import.meta.url);
const PACKAGES = ['openai', '@anthropic-ai/sdk', '@nestjs/core'];

/** On what it was measured, and with what. */
export function describeMachine() {
  return {
    node: process.versions.node,
    cpu: cpus()[0].model.trim(),
    cores: cpus().length,
    platform: `${process.platform} ${process.arch}`,
    versions: Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
  };
}

/** Prints a workload's part of the table. */
export function printResult(workload, contenders) {
  console.log(`\n${workload.title} (${workload.name})`);
  for (const result of contenders) {
    console.log(
      [
        `  ${result.contender}`.padEnd(32),
        `${time(result.cpuNs.median)} CPU`.padStart(14),
        `${time(result.wallNs.median)} wall`.padStart(15),
        ` per ${workload.unit}, ratio ${ratio(result.ratio)}`,
        `  ${verdict(workload.goal, result)}`,
      ].join(' '),
    );
  }
}

/** Whether the goal is met, in words; nothing where there is none, or for the contenders that it is compared with. */
export function verdict(goal, { contender, cpuNs, ratio: { median } }) {
  if (goal === undefined || !contender.startsWith('ours')) return '';
  if (goal.ratio !== undefined) {
    return `goal ≤ ${goal.ratio}: ${median <= goal.ratio ? 'met' : 'missed'}`;
  }
  return `goal ≤ ${goal.ns} ns: ${cpuNs.median <= goal.ns ? 'met' : 'missed'}`;
}

export function time(ns) {
  if (ns < 1_000) return `${ns.toFixed(ns < 100 ? 1 : 0)} ns`;
  return `${(ns / 1_000).toFixed(ns < 100_000 ? 2 : 0)} µs`;
}

/** A median, and between what the middle half lies. */
export function ratio({ median, low, high }) {
  return `${median.toFixed(2)} (${low.toFixed(2)} – ${high.toFixed(2)})`;
}

/** One file for each major of Node: those that are kept for the README, and the last ones. */
export function writeResults(results, keep) {
  const [major] = results.node.split('.');
  const name = `${keep ? '' : 'last-'}node-${major}.json`;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(new URL(name, RESULTS), `${JSON.stringify(results, null, 2)}\n`);
  return `bench/results/${name}`;
}
