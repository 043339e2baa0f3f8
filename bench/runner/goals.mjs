import { number } from './format.mjs';
import { summary } from './statistics.mjs';

/** What kinds of goals there are: what is compared with the limit, and in what unit. `to` is whom it is held to. */
const KINDS = {
  ratio: { of: (own, to) => own.cpuNs / to.cpuNs, unit: '' },
  ns: { of: (own) => own.cpuNs, unit: ' ns' },
  addedUs: { of: (own, to) => (own.cpuNs - to.cpuNs) / 1_000, unit: ' µs' },
  addedMs: { of: (own, to) => (own.wallNs - to.wallNs) / 1_000_000, unit: ' ms' },
  bytes: { of: (own) => own.keptBytes, unit: ' B' },
  addedBytes: { of: (own, to) => own.keptBytes - to.keptBytes, unit: ' B' },
};

/** How a contender of ours stands to its goals, or to those of its workload; nobody else has any. */
export function goalsOf({ goals, contenders }, rounds, i) {
  if (!contenders[i].name.startsWith('ours')) return [];
  return (contenders[i].goals ?? goals).flatMap(({ to, ...goal }) => {
    const [kind, limits] = Object.entries(goal)[0];
    const limit = limitHere(limits);
    if (limit === undefined) return [];
    const other = to === undefined ? i : contenders.findIndex(({ name }) => name === to);
    if (other < 0) throw new Error(`A goal is held to "${to}", who does not take part.`);
    const value = summary(rounds.map((round) => KINDS[kind].of(round[i], round[other])));
    return [{ ...(to !== undefined && { to }), kind, limit, value, met: value.median <= limit }];
  });
}

/** Some limits differ between majors of Node, and some hold for one only. */
function limitHere(limits) {
  if (typeof limits === 'number') return limits;
  return limits[process.versions.node.split('.')[0]];
}

/** Whether it is met, in words. */
export function verdict({ to, kind, limit, value, met }) {
  const { unit } = KINDS[kind];
  const beyond = to === undefined ? '' : kind === 'ratio' ? ` × ${to}` : ` above ${to}`;
  const words = met ? 'met' : 'missed';
  return `≤ ${limit.toLocaleString('en')}${unit}${beyond}: ${words} (${number(value.median)}${unit})`;
}
