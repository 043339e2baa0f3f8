// Writes the kept results as Markdown: a page of tables for each file of them, the headlines in README.md between its
// markers, and a chart. With --check it writes nothing, and fails if a file is not what it would write.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { chart } from './runner/chart.mjs';
import { headlineTable } from './runner/headlines.mjs';
import { keptNames, keptResults } from './runner/results-file.mjs';
import { markdownTables } from './runner/table.mjs';

const CHARTED = 'node-24';
const BEGIN = '<!-- figures: npm --prefix bench run readme -->';
const END = '<!-- end of figures -->';

const { values: args } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const kept = keptNames().map((name) => ({ name, ...labelled(name, keptResults(name)) }));
const image = chart(keptResults(CHARTED) ?? { node: '', results: [] });
const files = [
  ...kept.map((results) => [`results/${results.name}.md`, page(results)]),
  ...(image === undefined ? [] : [['results/chart.svg', image]]),
  ['README.md', readme()],
];
const stale = files.filter(([name, text]) => textOf(name) !== text);
if (!args.check) {
  for (const [name, text] of stale) writeFileSync(urlOf(name), text);
} else if (stale.length > 0) {
  const names = stale.map(([name]) => `bench/${name}`).join(', ');
  console.error(`Not what the kept results say: ${names}. Run "npm --prefix bench run readme".`);
  process.exitCode = 1;
}

function readme() {
  const text = textOf('README.md');
  const [before, after] = [text.split(BEGIN)[0], text.split(END)[1]];
  if (after === undefined) throw new Error(`README.md lacks its markers: ${BEGIN} and ${END}.`);
  const figures = [headlineTable(kept)];
  if (image !== undefined) {
    figures.unshift('![CPU time for the same work, by contender](results/chart.svg)');
  }
  return `${before}${[BEGIN, ...figures, END].join('\n\n')}${after}`;
}

/** How it is called in headings: OpenAI's SDK is named where it is not the usual one. */
function labelled(name, results) {
  const sdk = name.includes('openai') ? `, openai ${results.versions.openai}` : '';
  return { label: `Node ${results.node}${sdk}`, ...results };
}

function page({ name, label, cpu, cores, platform, versions, results }) {
  const [sets, rounds] = ['sets', 'rounds'].map((key) => range(results.map((one) => one[key])));
  const packages = Object.entries(versions).map((entry) => `- ${entry.join(' ')}`);
  return `${[
    `# Figures on ${label}`,
    `<!-- Written from ${name}.json by: npm --prefix bench run readme -->`,
    `${cores} × ${cpu}, ${platform}; ${sets} ${sets === '1' ? 'set' : 'sets'} of processes × ${rounds} rounds.`,
    'Columns: [how to read them](../README.md#how-to-read-them). Rows:\n[what the workloads measure](../../docs/internals/performance.md#what-the-workloads-measure). Missed goals:\n[why](../../docs/internals/performance.md#what-misses-its-goal-and-why).',
    markdownTables(results),
    '## Packages',
    packages.join('\n'),
  ].join('\n\n')}\n`;
}

function range(numbers) {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return least === most ? `${most}` : `${least} to ${most}`;
}

function textOf(name) {
  return existsSync(urlOf(name)) ? readFileSync(urlOf(name), 'utf8') : '';
}

function urlOf(name) {
  return new URL(name, import.meta.url);
}
