import { FIGURES } from './figures.mjs';
import { table } from './table.mjs';

/** The workloads that say most, in the order of the table. */
const HEADLINES = [
  'openai-stream-1',
  'openai-stream-64',
  'anthropic-stream-1',
  'anthropic-stream-64',
  'openai-call',
  'anthropic-call',
  'openai-calls-at-once',
  'anthropic-calls-at-once',
  'openai-call-from-memory',
  'agent-1',
  'agent-4',
  'dispatch-sync-10',
  'dispatch-async-10',
  'handlers-elsewhere-events',
  'runs-open-10000-one-read',
  'held-by-open-streams',
  'start-up',
];
const NONE = '–';
const MISSED = ' †';

/** One table of ours against the first contender, with a column for each major of Node that results are kept of. */
export function headlineTable(kept) {
  const rows = HEADLINES.flatMap((name) => {
    const found = kept.map(({ results }) => results.find((result) => result.name === name));
    const known = found.find((result) => result !== undefined);
    return known === undefined ? [] : [[...headOf(known), ...found.map(cellOf)]];
  });
  const columns = kept.map(({ node }) => `[Node ${node}](results/node-${node.split('.')[0]}.md)`);
  return table([['', 'ours', ...columns], ...rows]);
}

function headOf({ title, unit, measures = 'cpu', contenders: [first] }) {
  return [`${title}, per ${unit}`, `${FIGURES[measures].sign} ${first.contender}`];
}

function cellOf(result) {
  const own = result?.contenders.find(({ contender }) => contender === 'ours');
  if (own === undefined) return NONE;
  const { compared, write } = FIGURES[result.measures ?? 'cpu'];
  const missed = own.goals.some(({ met }) => !met);
  return `**${write(compared(own).median)}**${missed ? MISSED : ''}`;
}
