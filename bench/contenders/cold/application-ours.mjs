// The same application with the module in place of the client, a hook for each chunk, and CostTracker.
import { library, startApplication } from '../library.mjs';
import { decorate } from '../nest.mjs';
import { MAX_TOKENS, MODELS, PROMPT } from '../question.mjs';
import { WireHook } from '../wire-hook.mjs';

const { CallbacksService, CostTracker, LlmService, OnLlmStreamChunk } = library;
decorate(WireHook.prototype, 'onPiece', OnLlmStreamChunk());

export async function start({ baseURL }) {
  const options = { model: MODELS.openai, baseURL, apiKey: 'none', maxRetries: 0 };
  const llm = { provider: 'openai', ...options };
  const app = await startApplication({ llm }, [CostTracker, WireHook]);
  const [service, costs] = [app.get(LlmService), app.get(CostTracker)];
  return {
    ask: () => ask(service, costs),
    check: () => check(app.get(CallbacksService)),
    close: () => app.close(),
  };
}

async function ask(service, costs) {
  const { text, usage } = await service.generate(PROMPT, { maxOutputTokens: MAX_TOKENS });
  if (costs.requestCount !== 1 || costs.totalTokens !== usage.totalTokens || costs.totalCost <= 0)
    throw new Error(`CostTracker counted ${JSON.stringify(costs.snapshot())}.`);
  const { inputTokens, outputTokens } = usage;
  return { answers: 1, characters: text.length, inputTokens, outputTokens };
}

/** The hook and CostTracker must have been found. */
function check(callbacks) {
  const found = callbacks.handlers().map(({ name }) => name.split('.')[0]);
  for (const name of ['WireHook', 'CostTracker']) {
    if (!found.includes(name)) throw new Error(`No handler of ${name} was found.`);
  }
}
