import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { closeApps } from '../../support/app.js';
import { FuzzBench } from '../../support/fuzz/fuzz-bench.js';
import { mutate, type Kind } from '../../support/fuzz/mutations.js';
import { samplesOf } from '../../support/fuzz/samples.js';
import { Random } from '../../support/wire/random.js';

/** Of all wires, whole and streamed: 20,000. */
const COUNTS = [
  { kind: 'whole', count: 3_334 },
  { kind: 'streamed', count: 3_333 },
] as const satisfies readonly { kind: Kind; count: number }[];
/** How many failures are printed. */
const SHOWN = 5;
/** One answer in this many is sent back in a next turn. */
const SENT_BACK = 10;

describe.each(['chat', 'responses', 'anthropic'] as const)('Mutated answers of %s', (api) => {
  const samples = samplesOf(api, new Random(1));
  const bench = new FuzzBench(api);

  beforeAll(() => bench.start());
  afterAll(closeApps);

  it.each(COUNTS)(
    'become an LlmResponse or a CallbacksError, with one terminal event ($kind)',
    async ({ kind, count }) => {
      const failures: string[] = [];
      let answered = 0;
      for (let seed = 1; seed <= count && failures.length < SHOWN; seed++) {
        const random = new Random(seed);
        const mutation = mutate(random, samples, kind);
        const { response, problems } = await bench.play(random, mutation, kind);
        if (response !== undefined && ++answered % SENT_BACK === 0)
          problems.push(...(await bench.sendBack(response)));
        if (problems.length > 0)
          failures.push(`seed ${seed} (${mutation.done.join('; ')}): ${problems.join('; ')}`);
      }
      expect(failures).toEqual([]);
      // Mutations that always fail would not test the answers.
      expect(answered).toBeGreaterThan(count / 3);
    },
  );
});
