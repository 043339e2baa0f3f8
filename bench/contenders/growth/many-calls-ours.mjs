// Calls one after the other over a provider in memory, with a hook and CostTracker: what is left of each.
import { decoratedHooks, library, startApplication } from '../library.mjs';
import { PiecesProvider } from '../pieces-provider.mjs';
import { PROMPT, repeat } from '../question.mjs';

export async function setUp({ streaming, chunks }) {
  const { CostTracker, LlmService } = library;
  const provider = new PiecesProvider();
  provider.count = chunks;
  const classes = await decoratedHooks(1);
  const app = await startApplication({ llm: { provider, model: 'pieces' } }, [
    CostTracker,
    ...classes,
  ]);
  const service = app.get(LlmService);
  const costs = app.get(CostTracker);
  const hook = app.get(classes[0]);
  const ask = () => (streaming ? stream(service) : generate(service));
  return {
    async run(times) {
      costs.reset();
      hook.heard = 0;
      const work = await repeat(times, ask);
      if (costs.requestCount !== times || hook.heard !== (work.chunks ?? 0)) {
        throw new Error(`${costs.requestCount} calls and ${hook.heard} chunks were heard.`);
      }
      return work;
    },
    close: () => app.close(),
  };
}

async function generate(service) {
  const { usage } = await service.generate(PROMPT);
  return { calls: 1, tokens: usage.totalTokens };
}

async function stream(service) {
  let chunks = 0;
  const answer = service.stream(PROMPT);
  for await (const { type } of answer) if (type === 'text') chunks++;
  return { calls: 1, chunks, tokens: (await answer.response).usage.totalTokens };
}
