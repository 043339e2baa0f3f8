import { ratio, time, verdict } from './report.mjs';

/** A Markdown table of results as they were written. */
export function markdownTable(results) {
  const [peers, inMemory] = [
    results.filter(({ name }) => !isInMemory(name)),
    results.filter(({ name }) => isInMemory(name)),
  ];
  return `${againstSdks(peers)}\n\n${againstLoops(inMemory)}`;
}

function isInMemory(name) {
  return name.startsWith('dispatch-') || name.startsWith('provider-');
}

function againstSdks(results) {
  const head = ['', 'raw SDK', 'ours', 'ours ÷ raw', 'control', 'raw in context ÷ raw', 'goal'];
  const rows = results.map(({ title, unit, goal, contenders }) => {
    const [raw, control, inContext, ours] = contenders;
    return [
      `${title}, per ${unit}`,
      time(raw.cpuNs.median),
      time(ours.cpuNs.median),
      `**${ratio(ours.ratio)}**`,
      ratio(control.ratio),
      ratio(inContext.ratio),
      verdict(goal, ours),
    ];
  });
  return table([head, ...rows]);
}

function againstLoops(results) {
  const rows = results.map(({ title, goal, contenders }) => {
    const [loop, control, ours] = contenders;
    const spread = `${time(ours.cpuNs.low)} – ${time(ours.cpuNs.high)}`;
    return [
      title,
      time(loop.cpuNs.median),
      ratio(control.ratio),
      `**${time(ours.cpuNs.median)}** (${spread})`,
      verdict(goal, ours),
    ];
  });
  return table([['', 'plain loop', 'control', 'ours', 'goal'], ...rows]);
}

/** Columns are filled up as Prettier does it. */
function table([head, ...rows]) {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((row) => row[i].length)));
  const line = (cells) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
