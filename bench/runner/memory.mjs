import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

/** Bytes that are still needed: the heap after full collections, and what lies outside of it for objects in it. */
export async function allocated(collections) {
  for (let i = 0; i < collections; i++) {
    await setImmediate();
    globalThis.gc();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The most memory that this process has ever had. */
export function peakMemory() {
  return ownPeak() ?? process.resourceUsage().maxRSS * 1_024;
}

/** On Linux `maxRSS` begins with that of the process which started this one. */
function ownPeak() {
  if (process.platform !== 'linux') return undefined;
  const [, kilobytes] =
    /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
}
