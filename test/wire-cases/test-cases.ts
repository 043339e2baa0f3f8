import { afterEach, describe, expect, it } from '@jest/globals';
import { CallbacksService } from 'nestjs-llm-callbacks';
import { closeApps } from '../support/app.js';
import { expectRunsThatEndedOnce } from '../support/wire/runs.js';
import { bootCase, closeServers, type BootedCase } from './boot-case.js';
import { chunkMismatches, foreignErrors } from './check-events.js';
import { requestViolations } from './check-requests.js';
import { mismatchesOfOneOf } from './compare-outcome.js';
import type { Division } from './pieces.js';
import { playCase } from './play-case.js';
import { alternativesOf, isStreamed, type WireCase } from './read-case.js';

/** Plays cases as tests: each once, and those of event streams once for each of the ways to split their bytes. */
export function testCases(cases: readonly WireCase[], divisions: readonly Division[]): void {
  let booted: BootedCase | undefined;
  afterEach(async () => {
    await closeApps();
    if (booted) await closeServers(booted);
    booted = undefined;
  });

  describe.each(cases)('$kind: $name', (given) => {
    it.each(isStreamed(given) ? divisions : divisions.slice(0, 1))(
      'has the expected outcome, with %s',
      async (division) => {
        booted = await bootCase(given, division);
        expect(await problemsOf(given, booted)).toEqual([]);
        await settle(booted);
        expectRunsThatEndedOnce(booted.events);
      },
    );
  });
}

/** Plays a case; returns one line for each violation. */
async function problemsOf(given: WireCase, booted: BootedCase): Promise<string[]> {
  const outcome = await playCase(given, booted);
  await settle(booted);
  const { events } = booted;
  // Without collected text the answer cannot be compared.
  const isCollected = given.call?.options?.collect !== false;
  return [
    ...mismatchesOfOneOf(alternativesOf(given), outcome, booted),
    ...requestViolations(booted),
    ...foreignErrors(outcome, events).map((error) => `no error of the package: ${String(error)}`),
    ...(isCollected ? chunkMismatches(events) : []),
  ];
}

/** Waits for late events. Jest fails the test for rejections that are unhandled by then. */
export async function settle({ app }: BootedCase): Promise<void> {
  await app.get(CallbacksService).flush();
  await new Promise(setImmediate);
}
