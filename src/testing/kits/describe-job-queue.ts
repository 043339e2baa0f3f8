import type { JobQueue } from '../../index.js';
import {
  QueueBench,
  type AddQueueTest,
  type JobQueueKitOptions,
  type MakeJobQueue,
} from './job-queue-bench.js';
import { testAdding, testFailures, testPeers, testShutdown, testWork } from './job-queue-rules.js';
import { Kit, kitOptionNames, withBench } from './kit.js';

const OPTIONS = kitOptionNames<JobQueueKitOptions>({
  attempts: true,
  remembersDone: true,
  peer: true,
  dispose: true,
});

/**
 * Registers tests of the rules of {@link JobQueue} for a queue. Call it at the top of a test file, or in a `describe`.
 * Works with every runner that has `describe` and `it`.
 *
 * @param make makes a queue without jobs for each test
 * @throws CallbacksConfigurationError without a test runner, and for wrong options
 *
 * @example
 * ```ts
 * describeJobQueue(() => new BullmqJobQueue({ connection, prefix: randomUUID(), attempts: 2, backoffMs: 10 }), {
 *   title: 'BullmqJobQueue',
 *   attempts: 2,
 *   remembersDone: true,
 * });
 * ```
 */
export function describeJobQueue<Q extends JobQueue>(
  make: MakeJobQueue<Q>,
  options: JobQueueKitOptions<Q> = {},
): void {
  const kit = new Kit('describeJobQueue', 'JobQueue', make, options, OPTIONS);
  const { attempts, remembersDone = false } = options;
  const test: AddQueueTest = (member, rule, run) =>
    kit.rule(member, rule, () => withBench(new QueueBench(kit, make, options), run));
  kit.register(() => {
    testAdding(test, remembersDone);
    testWork(test);
    if (attempts !== undefined) testFailures(test, attempts);
    testShutdown(test);
    if (options.peer !== undefined) testPeers(test);
  });
}
