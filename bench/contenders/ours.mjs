// The library as an application uses it: module, CostTracker, one synchronous hook for each chunk, LlmService; and a
// CostLimiter or OpenTelemetry where they are asked for.
import { Budget } from './budget.mjs';
import { library, startApplication } from './library.mjs';
import { decorate } from './nest.mjs';
import { answerFromMemory } from './memory-fetch.mjs';
import { MAX_TOKENS, MODELS, PROMPT, repeat } from './question.mjs';
import { reportTool } from './tools.mjs';
import { WireHook } from './wire-hook.mjs';
import { startTelemetry } from './telemetry.mjs';

const { CostTracker, LlmService, OnLlmStreamChunk } = library;
decorate(WireHook.prototype, 'onPiece', OnLlmStreamChunk());

const OPTIONS = { maxOutputTokens: MAX_TOKENS };

export async function setUp(settings) {
  const { wire, baseURL, answer, atOnce, fromMemory, limited = false, telemetry: kind } = settings;
  const memory = fromMemory && answerFromMemory(fromMemory);
  const llm = { provider: wire, model: MODELS[wire], baseURL, apiKey: 'none', maxRetries: 0 };
  const budget = limited ? new Budget() : undefined;
  const telemetry = kind && (await startTelemetry(kind));
  const callbacks = [...(budget?.callbacks ?? []), ...(telemetry ? [telemetry.callbacks] : [])];
  const options = { llm, callbacks };
  const app = await startApplication(options, [CostTracker, WireHook]);
  const [service, costs, hook] = [LlmService, CostTracker, WireHook].map((one) => app.get(one));
  return {
    async run(times) {
      costs.reset();
      await budget?.reset();
      hook.heard = hook.characters = 0;
      const work = await repeat(times, () => ASK[answer](service), atOnce);
      checkHooks(work, times, costs, hook);
      await budget?.check(costs);
      await telemetry?.check();
      return work;
    },
    async close() {
      memory?.end();
      await app.close();
      await telemetry?.close();
    },
  };
}

const ASK = {
  async stream(service) {
    let chunks = 0;
    let characters = 0;
    const answer = service.stream(PROMPT, OPTIONS);
    for await (const chunk of answer) {
      if (chunk.type === 'text') {
        chunks++;
        characters += chunk.text.length;
      }
    }
    return { chunks, characters, ...tokens(await answer.response) };
  },

  async toolStream(service) {
    let deltas = 0;
    let characters = 0;
    const answer = service.stream(PROMPT, { ...OPTIONS, tools: [reportTool] });
    for await (const chunk of answer) {
      if (chunk.type === 'tool-call' && chunk.argsDelta) {
        deltas++;
        characters += chunk.argsDelta.length;
      }
    }
    return { deltas, characters, ...tokens(await answer.response) };
  },

  async whole(service) {
    const response = await service.generate(PROMPT, OPTIONS);
    return { answers: 1, characters: response.text.length, ...tokens(response) };
  },
};

function tokens({ usage: { inputTokens, outputTokens } }) {
  return { inputTokens, outputTokens };
}

/** What the hooks heard must be what the reader got. */
function checkHooks(work, times, costs, hook) {
  const pieces = work.chunks ?? work.deltas ?? 0;
  const right =
    hook.heard === pieces &&
    hook.characters === (pieces > 0 ? work.characters : 0) &&
    costs.requestCount === times &&
    costs.totalTokens === work.inputTokens + work.outputTokens &&
    costs.totalCost > 0;
  if (!right)
    throw new Error(
      `The hooks heard something else: ${JSON.stringify({ hook, costs: costs.snapshot(), work })}`,
    );
}
