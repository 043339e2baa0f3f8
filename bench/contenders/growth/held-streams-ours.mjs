// The same calls through the library, on the same SDK, with a hook and CostTracker.
import OpenAI from 'openai';
import { decoratedHooks, library, startApplication } from '../library.mjs';
import { MODELS, PROMPT } from '../question.mjs';
import { fetchInMemory } from './wire-in-memory.mjs';

export async function setUp() {
  const { CostTracker, LlmService } = library;
  const fetch = fetchInMemory({ events: 1, text: ' word', staysOpen: true });
  const client = new OpenAI({ apiKey: 'none', baseURL: 'http://127.0.0.1', maxRetries: 0, fetch });
  const classes = await decoratedHooks(1);
  const llm = { provider: 'openai', model: MODELS.openai, client };
  const app = await startApplication({ llm }, [CostTracker, ...classes]);
  const service = app.get(LlmService);
  const hook = app.get(classes[0]);
  let held = [];
  return {
    async run(times) {
      hook.heard = 0;
      let chunks = 0;
      for (let i = 0; i < times; i++) {
        const stream = service.stream(PROMPT);
        const reader = stream[Symbol.asyncIterator]();
        const { value } = await reader.next();
        if (value.type === 'text') chunks++;
        held.push({ stream, reader });
      }
      if (hook.heard !== chunks) throw new Error(`The hook heard ${hook.heard} of ${chunks}.`);
      return { open: held.length, chunks };
    },
    async release() {
      for (const { reader } of held) await reader.return();
      held = [];
    },
    close: () => app.close(),
  };
}
