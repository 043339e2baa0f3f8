// Writes the kept results into README.md, between its markers.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { markdownTable } from './runner/table.mjs';

const README = new URL('README.md', import.meta.url);
const NODES = [20, 24];

const sections = NODES.flatMap((major) => {
  const file = new URL(`results/node-${major}.json`, import.meta.url);
  return existsSync(file) ? [section(JSON.parse(readFileSync(file, 'utf8')))] : [];
});
const begin = '<!-- figures: npm run readme -->';
const end = '<!-- end of figures -->';
const text = readFileSync(README, 'utf8');
const [before, after] = [text.split(begin)[0], text.split(end)[1]];
if (after === undefined) throw new Error(`README.md lacks its markers: ${begin} and ${end}.`);
writeFileSync(README, `${before}${begin}\n\n${sections.join('\n\n')}\n\n${end}${after}`);

function section({ node, cpu, cores, platform, versions, sets, rounds, results }) {
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `### Node ${node}`,
    `${packages.join(', ')}; ${cores} × ${cpu}, ${platform}; ${sets} sets of processes × ${rounds} rounds.`,
    markdownTable(results),
  ].join('\n\n');
}
