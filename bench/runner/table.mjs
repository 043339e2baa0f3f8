import { comparison, FIGURES } from './figures.mjs';
import { bytes } from './format.mjs';
import { verdict } from './goals.mjs';

const NONE = '–';

/** Markdown tables of results as they were written: for all that are compared with the same, ours and then the others. */
export function markdownTables(results) {
  return groupsOf(results)
    .flatMap((group) => [oursTable(group), othersTable(group)])
    .filter((part) => part !== undefined)
    .join('\n\n');
}

/** Workloads that measure the same, of processes in the same state, and have the same first contender. */
function groupsOf(results) {
  const groups = new Map();
  for (const result of results) {
    const { state = 'hot', contenders } = result;
    const key = `${state} ${measuredIn(result)} ${contenders[0].contender}`;
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  return [...groups.values()];
}

function measuredIn({ measures = 'cpu' }) {
  return measures;
}

function oursTable(group) {
  const figures = FIGURES[measuredIn(group[0])];
  const first = group[0].contenders[0].contender;
  const columns = [first, 'ours', `ours ${figures.sign} ${first}`, 'control'];
  const isTimed = measuredIn(group[0]) === 'cpu';
  if (isTimed) columns.push('wall ÷');
  const rows = group.map(({ title, unit, contenders: [base, ...rest] }) => {
    const own = rest.find(({ contender }) => contender === 'ours');
    const control = rest.find((one) => one.control);
    return [
      `${title}, per ${unit}`,
      figures.own(base),
      own ? figures.own(own) : NONE,
      own ? `**${comparison(figures, own)}**` : NONE,
      control ? comparison(figures, control) : NONE,
      ...(isTimed ? [own ? own.wallRatio.median.toFixed(2) : NONE] : []),
      [base, own].map((one) => (one ? bytes(one.peakBytes.median) : NONE)).join(' → '),
      own?.goals.map((goal) => verdict(goal)).join('; ') || NONE,
    ];
  });
  return table([['', ...columns, 'peak memory', 'goals'], ...rows]);
}

/** Everyone but the first, the control and ours; not every workload has all of them, and some have none. */
function othersTable(group) {
  const figures = FIGURES[measuredIn(group[0])];
  const first = group[0].contenders[0].contender;
  const names = [...new Set(group.flatMap(({ contenders }) => othersOf(contenders)))];
  if (names.length === 0) return undefined;
  const rows = group
    .filter(({ contenders }) => othersOf(contenders).length > 0)
    .map(({ title, unit, contenders }) => [
      `${title}, per ${unit}`,
      ...names.map((name) => {
        const one = contenders.find(({ contender }) => contender === name);
        return one === undefined ? NONE : otherCell(figures, one);
      }),
    ]);
  return table([[`${figures.sign} ${first}`, ...names], ...rows]);
}

function othersOf(contenders) {
  return contenders
    .slice(1)
    .filter(({ contender, control }) => !control && contender !== 'ours')
    .map(({ contender }) => contender);
}

function otherCell(figures, result) {
  const compared = figures.write(figures.compared(result).median);
  return `**${compared}**, ${figures.own(result)}, ${bytes(result.peakBytes.median)}`;
}

/** Columns are filled up as Prettier does it. */
export function table([head, ...rows]) {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((row) => row[i].length)));
  const line = (cells) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
