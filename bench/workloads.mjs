// What is measured, of whom. A workload is an entry in one of the files in workloads/; a contender is a file in
// contenders/.
import { coldWorkloads } from './workloads/cold.mjs';
import { growthWorkloads } from './workloads/growth.mjs';
import { inMemoryWorkloads } from './workloads/in-memory.mjs';
import { lukewarmWorkloads } from './workloads/lukewarm.mjs';
import { observedWorkloads } from './workloads/observed.mjs';
import { telemetryWorkloads } from './workloads/telemetry.mjs';
import { wireWorkloads } from './workloads/wire.mjs';

/** @param smoke a little of everything, to see that it is right */
export function workloads({ smoke = false } = {}) {
  return [
    ...wireWorkloads({ smoke }),
    ...observedWorkloads({ smoke }),
    ...telemetryWorkloads({ smoke }),
    ...lukewarmWorkloads({ smoke }),
    ...coldWorkloads(),
    ...inMemoryWorkloads({ smoke }),
    ...growthWorkloads({ smoke }),
  ];
}
