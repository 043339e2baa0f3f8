import { comparison, FIGURES } from './figures.mjs';
import { bytes, time } from './format.mjs';
import { verdict } from './goals.mjs';

/** Prints what was measured of a workload. */
export function printResult({ name, title, unit, measures = 'cpu', contenders }) {
  const figures = FIGURES[measures];
  console.log(`\n${title} (${name}): ${measures} per ${unit}`);
  for (const result of contenders) {
    console.log(
      [
        `  ${result.contender}`.padEnd(32),
        figures.own(result).padStart(9),
        `  ${figures.sign} first: ${comparison(figures, result)}`.padEnd(40),
        `  ${besides(result)}`,
        `  peak ${bytes(result.peakBytes.median)}`,
        ...result.goals.map((goal) => `  ${verdict(goal)}`),
      ].join(''),
    );
  }
}

/** The clock's ratio, or what was added of CPU where the clock is what counts. */
function besides({ wallRatio, addedCpuNs }) {
  if (addedCpuNs === undefined) return `wall ${wallRatio.median.toFixed(2)}`;
  return `cpu − first: ${time(addedCpuNs.median)}`;
}
