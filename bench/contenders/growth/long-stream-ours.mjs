// The same answer through the library, with a hook, CostTracker and `collect: false`.
import OpenAI from 'openai';
import { decoratedHooks, library, startApplication } from '../library.mjs';
import { MODELS, PROMPT } from '../question.mjs';
import { fetchInMemory } from './wire-in-memory.mjs';

export async function setUp({ events, characters, looks }) {
  const { CostTracker, LlmService } = library;
  const fetch = fetchInMemory({ events, text: 'x'.repeat(characters) });
  const client = new OpenAI({ apiKey: 'none', baseURL: 'http://127.0.0.1', maxRetries: 0, fetch });
  const classes = await decoratedHooks(1);
  const llm = { provider: 'openai', model: MODELS.openai, client };
  const app = await startApplication({ llm }, [CostTracker, ...classes]);
  const service = app.get(LlmService);
  const hook = app.get(classes[0]);
  const between = Math.ceil(events / looks);
  return {
    async run(times, look) {
      hook.heard = 0;
      let read = 0;
      let chunks = 0;
      for await (const chunk of service.stream(PROMPT, { collect: false })) {
        if (chunk.type !== 'text') continue;
        read += chunk.text.length;
        if (++chunks % between === 0) await look?.();
      }
      if (hook.heard !== chunks) throw new Error(`The hook heard ${hook.heard} of ${chunks}.`);
      return { streams: times, characters: read, chunks };
    },
    close: () => app.close(),
  };
}
