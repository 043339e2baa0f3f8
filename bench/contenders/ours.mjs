// The library as an application uses it: module, CostTracker, one synchronous hook for each chunk, LlmService.
import { decoratedHooks, library, startApplication } from './library.mjs';
import { MAX_TOKENS, MODELS, PROMPT, repeat } from './question.mjs';

export async function setUp({ wire, baseURL, streaming }) {
  const { CostTracker, LlmService } = library;
  const [ChunkHook] = await decoratedHooks(1);
  const llm = { provider: wire, model: MODELS[wire], baseURL, apiKey: 'none', maxRetries: 0 };
  const app = await startApplication({ llm }, [CostTracker, ChunkHook]);
  const service = app.get(LlmService);
  const ask = () => (streaming ? stream(service) : generate(service));
  return {
    async run(times) {
      const [costs, hook] = [app.get(CostTracker), app.get(ChunkHook)];
      costs.reset();
      hook.heard = hook.characters = 0;
      const work = await repeat(times, ask);
      checkHooks(work, times, costs, hook);
      return work;
    },
    close: () => app.close(),
  };
}

async function stream(service) {
  let chunks = 0;
  let characters = 0;
  const answer = service.stream(PROMPT, { maxOutputTokens: MAX_TOKENS });
  for await (const chunk of answer) {
    if (chunk.type === 'text') {
      chunks++;
      characters += chunk.text.length;
    }
  }
  const { inputTokens, outputTokens } = (await answer.response).usage;
  return { chunks, characters, inputTokens, outputTokens };
}

async function generate(service) {
  const { text, usage } = await service.generate(PROMPT, { maxOutputTokens: MAX_TOKENS });
  const { inputTokens, outputTokens } = usage;
  return { answers: 1, characters: text.length, inputTokens, outputTokens };
}

/** What the hooks heard must be what the reader got. */
function checkHooks(work, times, costs, hook) {
  const heard = work.chunks === undefined ? 0 : work.characters;
  const right =
    hook.heard === (work.chunks ?? 0) &&
    hook.characters === heard &&
    costs.requestCount === times &&
    costs.totalTokens === work.inputTokens + work.outputTokens &&
    costs.totalCost > 0;
  if (!right)
    throw new Error(
      `The hooks heard something else: ${JSON.stringify({ hook, costs: costs.snapshot(), work })}`,
    );
}
