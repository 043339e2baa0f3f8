import { Kit, kitOptionNames, withBench } from './kit.js';
import { ObservedBench, type AddObservedTest } from './observed-bench.js';
import type { MakeObserved, ObservedKitOptions } from './observed-caller.js';
import { testObservedExtras } from './observed-extra-rules.js';
import {
  testObservedAnswers,
  testObservedFailures,
  testObservedGates,
  testObservedPlaces,
} from './observed-rules.js';
import type { MakeProviderServer } from './provider-bench.js';

const OPTIONS = kitOptionNames<ObservedKitOptions>({
  origin: true,
  model: true,
  usage: true,
  tools: true,
  embeddings: true,
});

/**
 * Registers tests of the rules of {@link ObservedCaller} for code that is observed: by `callbacks.observe()`,
 * `callbacks.fetch()`, or an adapter of your own. Call it at the top of a test file, or in a `describe`. Works with every
 * runner that has `describe` and `it`.
 *
 * @param make makes the observed code for each test, which sends its requests to the given URL
 * @param server starts a server for each test, which answers in the format of the code; see `serveProvider()`
 * @throws CallbacksConfigurationError without a test runner, and for wrong options
 *
 * @example
 * ```ts
 * describeObserved(
 *   ({ callbacks, url, model }) => new MyCaller({ url, model, fetch: callbacks.fetch() }),
 *   () => serveProvider(myWire),
 *   { title: 'MyCaller', origin: 'fetch' },
 * );
 * ```
 */
export function describeObserved(
  make: MakeObserved,
  server: MakeProviderServer,
  options: ObservedKitOptions,
): void {
  const kit = new Kit('describeObserved', 'ObservedCaller', make, options ?? {}, OPTIONS);
  if (typeof server !== 'function')
    kit.refuse('needs as its second argument a function that starts a server for each test');
  if (typeof options?.origin !== 'string') kit.refuse('needs the `origin` of the events');
  const test: AddObservedTest = (member, rule, run) =>
    kit.rule(member, rule, () =>
      withBench(new ObservedBench(kit, make, server, options), async (bench) => {
        await run(bench);
        await bench.settled();
      }),
    );
  kit.register(() => {
    testObservedAnswers(test);
    testObservedFailures(test);
    testObservedGates(test);
    testObservedPlaces(test);
    testObservedExtras(test, options);
  });
}
