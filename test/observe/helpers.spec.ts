import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CallbacksService } from 'nestjs-llm-callbacks';
import { OpenRuns } from '../../src/runs/active-run.js';
import { anthropic } from '../support/wire/anthropic.js';
import { Bench } from '../support/wire/bench.js';
import { openai } from '../support/wire/openai.js';
import { responses } from '../support/wire/responses.js';
import { newClient } from '../support/wire/sdk-clients.js';
import type { Exchange } from '../support/wire/server.js';
import { shapeOfError } from './equals-raw/shapes.js';
import { ANTHROPIC_HELPERS, OPENAI_HELPERS, RESPONSES_HELPERS } from './helper-scenarios.js';
import type { HelperClient, HelperScenario } from './helper-scenarios.js';

const requestOf = ({ path, text, headers }: Exchange) => {
  const { 'idempotency-key': _, ...rest } = headers;
  return { path, text, headers: rest };
};

describe.each([
  { wire: openai, scenarios: OPENAI_HELPERS },
  { wire: responses, scenarios: RESPONSES_HELPERS },
  { wire: anthropic, scenarios: ANTHROPIC_HELPERS },
])('The helpers of an observed client, by $wire.name', ({ wire, scenarios }) => {
  let bench: Bench;
  beforeEach(async () => {
    bench = new Bench(wire);
    await bench.open();
  });
  afterEach(() => bench.close());

  async function play({ answers, act, hasNoEnd }: HelperScenario, client: HelperClient) {
    const { server, app, recording } = bench;
    recording.clear();
    server.discardAnswers();
    server.answers(
      ...answers().map((serve) => (exchange: Exchange) => {
        exchange.response.sendDate = false;
        return serve(exchange);
      }),
    );
    const before = server.exchanges.length;
    const got: unknown[] = [];
    const thrown = await act(client, got).then(
      () => undefined,
      (error: unknown) => shapeOfError(error),
    );
    await app.get(OpenRuns).idle();
    const made = server.exchanges.slice(before);
    const left = hasNoEnd ? await Promise.all(made.map(({ aborted }) => aborted)) : undefined;
    return { got, thrown, requests: made.map(requestOf), left };
  }

  it.each(scenarios)('give what those of a raw client give: $name', async (scenario) => {
    const raw = newClient(wire, bench.server.origin, { maxRetries: 0, logLevel: 'off' });
    const observed = bench.app.get(CallbacksService).observe(raw);
    const expected = await play(scenario, raw as unknown as HelperClient);
    expect(bench.recording.events).toEqual([]);
    const given = await play(scenario, observed as unknown as HelperClient);
    expect(given).toStrictEqual(expected);
    expect(expected.thrown === undefined).toBe(scenario.fails !== true);
    expect(expected.requests).toHaveLength(scenario.answers().length);
    const types = bench.recording.events.map(({ type }) => type);
    const count = (wanted: readonly string[]) => types.filter((type) => wanted.includes(type));
    // Helpers call others inside: each request is one run.
    expect(count(['llm.start'])).toHaveLength(given.requests.length);
    expect(count(['llm.end', 'llm.error'])).toHaveLength(given.requests.length);
  });
});
