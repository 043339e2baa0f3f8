// Writes the kept results into README.md, between its markers, and as a chart.
import { readFileSync, writeFileSync } from 'node:fs';
import { chart } from './runner/chart.mjs';
import { keptResults } from './runner/results-file.mjs';
import { markdownTables } from './runner/table.mjs';

const README = new URL('README.md', import.meta.url);
const CHART = new URL('results/chart.svg', import.meta.url);
const NODES = [20, 24];
const CHARTED_NODE = 24;

const begin = '<!-- figures: npm run readme -->';
const end = '<!-- end of figures -->';
const text = readFileSync(README, 'utf8');
const [before, after] = [text.split(begin)[0], text.split(end)[1]];
if (after === undefined) throw new Error(`README.md lacks its markers: ${begin} and ${end}.`);

const image = chart(keptResults(CHARTED_NODE) ?? { node: '', results: [] });
if (image !== undefined) writeFileSync(CHART, image);
const sections = NODES.map((major) => keptResults(major)).filter((kept) => kept !== undefined);
const figures = [
  ...(image === undefined
    ? []
    : ['![CPU time for the same work, by contender](results/chart.svg)']),
  ...sections.map(section),
];
writeFileSync(README, `${before}${begin}\n\n${figures.join('\n\n')}\n\n${end}${after}`);

function section({ node, cpu, cores, platform, versions, results }) {
  const [sets, rounds] = ['sets', 'rounds'].map((key) => range(results.map((one) => one[key])));
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `### Node ${node}`,
    `${cores} × ${cpu}, ${platform}; ${sets} ${sets === '1' ? 'set' : 'sets'} of processes × ${rounds} rounds. ${packages.join(', ')}.`,
    markdownTables(results),
  ].join('\n\n');
}

function range(numbers) {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return least === most ? `${most}` : `${least} to ${most}`;
}
