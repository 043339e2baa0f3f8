import { comparison, FIGURES } from './figures.mjs';
import { bytes } from './format.mjs';
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
        `  wall ${result.wallRatio.median.toFixed(2)}`,
        `  peak ${bytes(result.peakBytes.median)}`,
        ...result.goals.map((goal) => `  ${verdict(goal)}`),
      ].join(''),
    );
  }
}
