import { bytes, spread, time } from './format.mjs';

/**
 * What a workload's figures are, by what it measures: a contender's own, and what it is compared with the first
 * contender by.
 */
export const FIGURES = {
  cpu: {
    own: ({ cpuNs }) => time(cpuNs.median),
    compared: ({ ratio }) => ratio,
    sign: '÷',
    write: (value) => value.toFixed(2),
  },
  wall: {
    own: ({ wallNs }) => time(wallNs.median),
    compared: ({ addedWallNs }) => addedWallNs,
    sign: '−',
    write: time,
  },
  memory: {
    own: ({ keptBytes }) => bytes(keptBytes.median),
    compared: ({ addedBytes }) => addedBytes,
    sign: '−',
    write: bytes,
  },
};

export function comparison({ compared, write }, result) {
  return spread(compared(result), write);
}
