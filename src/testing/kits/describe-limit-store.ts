import type { LimitStore } from '../../index.js';
import { Kit, kitOptionNames, withBench } from './kit.js';
import { StoreBench, type LimitStoreKitOptions, type MakeLimitStore } from './limit-store-bench.js';
import { testLeases, testRealLease, testWindows } from './limit-store-clock-rules.js';
import {
  testDurability,
  testPeers,
  testRepetition,
  testReservations,
  testUsage,
} from './limit-store-rules.js';

const OPTIONS = kitOptionNames<LimitStoreKitOptions>({
  clock: true,
  peer: true,
  durable: true,
  dispose: true,
});

/**
 * Registers tests of the rules of {@link LimitStore} for a store. Call it at the top of a test file, or in a
 * `describe`. Works with every runner that has `describe` and `it`.
 *
 * @param make makes a new, empty store for each test
 * @throws CallbacksConfigurationError without a test runner
 *
 * @example
 * ```ts
 * describeLimitStore((clock) => new MemoryLimitStore({ now: clock.now }), {
 *   title: 'MemoryLimitStore',
 *   clock: true,
 * });
 * ```
 */
export function describeLimitStore<S extends LimitStore>(
  make: MakeLimitStore<S>,
  options: LimitStoreKitOptions<S> = {},
): void {
  const kit = new Kit('describeLimitStore', 'LimitStore', make, options, OPTIONS);
  const test = (member: string, rule: string, run: (bench: StoreBench<S>) => Promise<void>) =>
    kit.rule(member, rule, () => withBench(new StoreBench(make, options), run));
  kit.register(() => {
    testReservations(test);
    testRepetition(test);
    testUsage(test);
    if (options.clock) {
      testLeases(test);
      testWindows(test);
    } else {
      testRealLease(test, kit);
    }
    if (options.peer) testPeers(test);
    if (options.peer && options.durable) testDurability(test);
  });
}
