import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type OpenAI from 'openai';
import { CallbacksService, EVENTS, type CallbackEvent } from 'nestjs-llm-callbacks';
import { OpenRuns } from '../../../src/runs/active-run.js';
import { Bench } from '../../support/wire/bench.js';
import { openai } from '../../support/wire/openai.js';
import { Random } from '../../support/wire/random.js';
import { RandomAnswers } from './answers.js';
import { differencesOf } from './compare.js';
import { CLIENT_KINDS } from './kinds.js';
import { Planner, type Plan } from './plan.js';
import { noteTimers, Stage, within, type Outcome } from './play.js';

/** How many failures are printed. */
const SHOWN = 3;

/** Random exchanges of each kind of client, by a raw and by an observed one. */
export function describeEqualsRaw(seeds: readonly number[]): void {
  describe.each(CLIENT_KINDS)('A client that is observed: $name', (kind) => {
    const bench = new Bench(openai);
    let stage: Stage;
    let planner: Planner;
    let raw: object;
    let observed: object;

    beforeAll(async () => {
      await bench.open();
      stage = new Stage(bench.server);
      planner = new Planner(kind, new RandomAnswers(kind));
      const client = kind.newClient(bench.server.origin, { fetch: stage.fetch, logLevel: 'off' });
      raw = kind.resource(client);
      observed = kind.resource(bench.app.get(CallbacksService).observe(client as OpenAI));
      jest
        .spyOn(
          kind.prototype as { calculateDefaultRetryTimeoutMillis(): number },
          'calculateDefaultRetryTimeoutMillis',
        )
        .mockReturnValue(0);
      const { setTimeout } = globalThis;
      jest.spyOn(globalThis, 'setTimeout').mockImplementation(noteTimers(stage, setTimeout));
    });
    afterAll(async () => {
      jest.restoreAllMocks();
      await bench.close();
    });

    async function playObserved(plan: Plan): Promise<[Outcome, string[]]> {
      bench.recording.clear();
      const outcome = await stage.play(plan, observed as never);
      await within(bench.app.get(OpenRuns).idle(), 'an observed run');
      return [outcome, runProblems(bench.recording.events, outcome.requests.length)];
    }

    async function problemsOf(random: Random, plan: Plan): Promise<string[]> {
      const isRawFirst = random.chance(0.5);
      const before = isRawFirst ? await stage.play(plan, raw as never) : undefined;
      const [outcome, problems] = await playObserved(plan);
      const expected = before ?? (await stage.play(plan, raw as never));
      // Node reports unhandled rejections after the microtasks.
      await new Promise(setImmediate);
      return [...differencesOf(expected, outcome), ...problems];
    }

    it(`gives what a raw client gives, ${seeds.length} times`, async () => {
      const failures: string[] = [];
      for (const seed of seeds) {
        const random = new Random(seed);
        const plan = await planner.plan(random);
        const problems = await problemsOf(random, plan).catch((error: unknown) => [String(error)]);
        if (problems.length > 0)
          failures.push(`seed ${seed}: ${about(plan)}\n${problems.join('\n')}`);
        if (failures.length >= SHOWN) break;
      }
      expect(failures.join('\n\n')).toBe('');
    });
  });
}

function about({ way, act, after, answers, body, options }: Plan): string {
  const sent = answers.map((answer) =>
    typeof answer === 'string' ? answer : `${answer.status} ${answer.ending}`,
  );
  const streamed = body['stream'] === true ? 'streamed' : 'whole';
  return `${streamed}, ${way}, ${act} after ${after}, ${sent.join(', ')}, ${JSON.stringify(options)}`;
}

/** Of a call that was sent: one run that ended once, with an attempt for each request. */
function runProblems(events: readonly CallbackEvent[], requests: number): string[] {
  const phases = events.map(({ type }) => EVENTS[type].phase);
  const starts = phases.filter((phase) => phase === 'start').length;
  const ends = phases.filter((phase) => phase === 'end' || phase === 'error').length;
  const isOne = starts === ends && (requests > 0 ? starts === 1 : starts <= 1);
  const last = events.at(-1);
  const attempts = last !== undefined && 'attempts' in last ? last.attempts.length : undefined;
  return [
    ...(isOne ? [] : [`runs: ${events.map(({ type }) => type).join()}`]),
    ...(requests === 0 || attempts === undefined || attempts === requests
      ? []
      : [`${requests} requests, but ${attempts} attempts`]),
  ];
}
