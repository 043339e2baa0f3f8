// What is measured, of whom: every part has a file of its own. A new workload is a new entry there; a new contender is a
// file in contenders/ and its name in an entry.
import { inMemoryWorkloads } from './workloads/in-memory.mjs';
import { wireWorkloads } from './workloads/wire.mjs';

export function workloads(options = {}) {
  return [...wireWorkloads(options), ...inMemoryWorkloads(options)];
}
