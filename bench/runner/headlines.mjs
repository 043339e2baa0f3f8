import { FIGURES } from './figures.mjs';
import { isOurs, table, variantOf } from './table.mjs';

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
  'observed-openai-stream-1',
  'observed-openai-stream-64',
  'observed-anthropic-stream-1',
  'observed-anthropic-stream-64',
  'observed-openai-call',
  'observed-anthropic-call',
  'agent-1',
  'agent-4',
  'dispatch-sync-10',
  'dispatch-async-10',
  'handlers-elsewhere-events',
  'runs-open-10000-one-read',
  'warm-openai-call',
  'warm-agent',
  'warm-openai-stream',
  'warm-anthropic-stream',
  'held-by-open-streams',
  'held-by-observed-streams',
  'start-up',
  'cold-start',
  'cold-first-call',
];
const NONE = '–';
const MISSED = ' †';

/** One table of ours against the first contender, with a column for each of the kept results. */
export function headlineTable(kept) {
  const rows = HEADLINES.flatMap((name) => {
    const found = kept.map(({ results }) => results.find((result) => result.name === name));
    const known = found.find((result) => result !== undefined);
    return oursIn(known).map((own) => [
      ...headOf(known, own),
      ...found.map((result) => cellOf(result, own)),
    ]);
  });
  const columns = kept.map(({ name, label }) => `[${label}](results/${name}.md)`);
  return table([['', 'ours', ...columns], ...rows]);
}

/** A row for ours, and one for each variant of it. */
function oursIn(result) {
  return result?.contenders.filter(({ contender }) => isOurs(contender)) ?? [];
}

function headOf({ title, unit, measures = 'cpu', contenders: [first] }, own) {
  const row = `${title}${variantOf(own)}, per ${unit}`;
  return [row, `${FIGURES[measures].sign} ${first.contender}`];
}

function cellOf(result, { contender }) {
  const own = result?.contenders.find((one) => one.contender === contender);
  if (own === undefined) return NONE;
  const { compared, write } = FIGURES[result.measures ?? 'cpu'];
  const missed = own.goals.some(({ met }) => !met);
  const before = result.contenders.find((one) => one.contender === `${contender}: before`);
  const earlier = before === undefined ? '' : `, was ${write(compared(before).median)}`;
  return `**${write(compared(own).median)}**${missed ? MISSED : ''}${earlier}`;
}
