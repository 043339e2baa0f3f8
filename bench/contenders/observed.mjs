// The client of an SDK as an application has it, observed: the same calls, read in the same way.
import * as anthropic from './anthropic-sdk.mjs';
import { startObserving } from './observing.mjs';
import * as openai from './openai-sdk.mjs';
import { repeat } from './question.mjs';

const SDKS = { openai, anthropic };

export async function setUp({ wire, baseURL, answer, atOnce, hooked = false }) {
  const { ASK, newClient } = SDKS[wire];
  const { app, client, costs, hook } = await startObserving(wire, newClient(baseURL), { hooked });
  return {
    async run(times) {
      costs.reset();
      if (hook) hook.heard = hook.characters = 0;
      const work = await repeat(times, () => ASK[answer](client), atOnce);
      checkCounts(work, times, costs);
      if (hook) checkHook(work, hook);
      return work;
    },
    close: () => app.close(),
  };
}

function checkCounts(work, times, costs) {
  const right =
    costs.requestCount === times &&
    costs.totalTokens === work.inputTokens + work.outputTokens &&
    costs.totalCost > 0;
  if (!right)
    throw new Error(
      `CostTracker counted ${JSON.stringify(costs.snapshot())}, not ${JSON.stringify(work)}.`,
    );
}

/** What the hook heard must be what the reader got. */
function checkHook({ chunks, characters }, hook) {
  if (hook.heard !== chunks || hook.characters !== characters)
    throw new Error(
      `The hook heard ${JSON.stringify(hook)} of ${JSON.stringify({ chunks, characters })}.`,
    );
}
