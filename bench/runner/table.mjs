import { comparison, FIGURES } from './figures.mjs';
import { bytes, time } from './format.mjs';
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
  const beside = besideOf(group);
  const columns = [first, 'ours', `ours ${figures.sign} ${first}`, 'control'];
  if (beside !== undefined) columns.push(beside.title);
  const rows = group.flatMap(({ title, unit, contenders: [base, ...rest] }) => {
    const control = rest.find((one) => one.control);
    const ours = rest.filter(({ contender }) => isOurs(contender));
    return (ours.length > 0 ? ours : [undefined]).map((own) => [
      `${title}${variantOf(own)}, per ${unit}`,
      figures.own(base),
      own ? figures.own(own) : NONE,
      own ? `**${comparison(figures, own)}**` : NONE,
      control ? comparison(figures, control) : NONE,
      ...(beside === undefined ? [] : [own ? beside.write(own) : NONE]),
      [base, own].map((one) => (one ? bytes(one.peakBytes.median) : NONE)).join(' → '),
      own?.goals.map((goal) => verdict(goal)).join('; ') || NONE,
    ]);
  });
  return table([['', ...columns, 'peak memory', 'goals'], ...rows]);
}

/** The clock beside CPU, and CPU beside the clock where it was kept. */
function besideOf(group) {
  if (measuredIn(group[0]) === 'cpu') {
    return { title: 'wall ÷', write: ({ wallRatio }) => wallRatio.median.toFixed(2) };
  }
  const isKept = group.some(({ contenders }) => contenders.some((one) => one.addedCpuNs));
  if (!isKept) return undefined;
  return {
    title: 'CPU −',
    write: ({ addedCpuNs }) => (addedCpuNs ? time(addedCpuNs.median) : NONE),
  };
}

/** Ours, and ours with something that has a price of its own: "ours with CostLimiter"; no other build: "ours: before". */
export function isOurs(contender) {
  return /^ours(?: with [^:]+)?$/.test(contender);
}

/** What ours has beside the usual, as the end of a row's title. */
export function variantOf({ contender = 'ours' } = {}) {
  return contender.replace(/^ours(?= |$)/, '').replace(/^ with /, ', with ');
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
    .filter(({ contender, control }) => !control && !isOurs(contender))
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
