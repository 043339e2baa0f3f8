import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { CallbacksService, type CallbackEvent } from 'nestjs-llm-callbacks';
import { OpenRuns } from '../../../src/runs/active-run.js';
import { logs, testLogger } from '../logs.js';
import { Random } from '../wire/random.js';
import { startChaosApp, type ChaosApp } from './app.js';
import { makeCalls } from './calls.js';
import { badRuns, unknownParents } from './runs.js';

/** No check depends on time, so that a busy machine does not fail one. */
const TIMEOUT_MS = 180_000;
const USERS = ['global', ...Array.from({ length: 10 }, (_, i) => `user-${i}`)];
const rejections: unknown[] = [];
const onRejection = (reason: unknown): void => void rejections.push(reason);

/** A test with the given number of calls; one file each, so that they run in parallel. */
export function itLeavesNothingBehind(
  name: string,
  calls: number,
  seed: number,
  isIntercepted: boolean,
): void {
  beforeEach(() => void process.on('unhandledRejection', onRejection));
  afterEach(() => {
    process.off('unhandledRejection', onRejection);
    logs.length = 0;
  });

  it(
    // oxlint-disable-next-line jest/valid-title -- tests call this function instead
    name,
    async () => {
      const chaos = await startChaosApp({ seed, isIntercepted, logger: testLogger });
      const { app, recording, limiters } = chaos;
      const callbacks = app.get(CallbacksService);
      const tally = await makeCalls(app, (number) => new Random(seed * 100_000 + number), calls);
      await quiet(chaos);
      expect(callbacks.background).toMatchObject({ running: 0, pending: 0 });
      expect(await reservedOf(limiters)).toEqual(limiters.map(() => 0));
      expectCosts(chaos);

      // `drainMs` exceeds the timeout of the test.
      await app.close();
      expect(
        logs.filter(({ message }) => /aborted because|left behind|do not end/.test(message)),
      ).toEqual([]);
      expect(badRuns(recording.events)).toEqual([]);
      expect(unknownParents(recording.events)).toEqual([]);
      expect(rejections).toEqual([]);
      expect([...tally].filter(([, { made }]) => made === 0)).toEqual([]);
      expect(missingTypes(recording.events)).toEqual([]);
    },
    TIMEOUT_MS,
  );
}

/** Waits for the runs of abandoned streams, which end by their `timeoutMs`, and for the background. */
async function quiet({ app }: ChaosApp): Promise<void> {
  const openRuns = app.get(OpenRuns, { strict: false });
  do {
    await openRuns.idle();
    await app.get(CallbacksService).flush();
  } while (openRuns.size > 0);
}

async function reservedOf(limiters: ChaosApp['limiters']): Promise<number[]> {
  return Promise.all(
    limiters.map(async (limiter) => {
      const usages = await Promise.all(USERS.map((user) => limiter.usage(user)));
      return usages
        .flatMap(({ limits }) => limits)
        .reduce((sum, { reserved }) => sum + reserved, 0);
    }),
  );
}

function expectCosts({ costs, recording: { events } }: ChaosApp): void {
  let [cost, tokens, requests] = [0, 0, 0];
  for (const event of events) {
    if (event.type !== 'llm.end' && event.type !== 'llm.error') continue;
    cost += event.cost ?? 0;
    tokens += event.usage.totalTokens;
    requests++;
  }
  expect(cost).toBeGreaterThan(0);
  expect(costs.totalCost).toBeCloseTo(cost, 9);
  expect(costs).toMatchObject({ totalTokens: tokens, requestCount: requests });
}

/** Types of events that did not occur; the load must produce all of them. */
function missingTypes(events: readonly CallbackEvent[]): string[] {
  const found = new Set(events.map(({ type }) => type));
  const kinds = ['llm', 'agent', 'tool', 'chain', 'retrieval'];
  return kinds
    .flatMap((kind) => ['start', 'end', 'error'].map((phase) => `${kind}.${phase}`))
    .concat('llm.chunk', 'llm.retry', 'agent.step', 'callback.error')
    .filter((type) => !found.has(type as CallbackEvent['type']));
}
