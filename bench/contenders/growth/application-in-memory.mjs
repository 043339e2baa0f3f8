import OpenAI from 'openai';
import { decoratedHooks, library, startApplication } from '../library.mjs';
import { MODELS } from '../question.mjs';
import { fetchInMemory } from './wire-in-memory.mjs';

/** The library on the SDK, with a hook and CostTracker, and answers that come from memory. */
export async function startInMemory(answer) {
  const { CostTracker, LlmService } = library;
  const fetch = fetchInMemory(answer);
  const client = new OpenAI({ apiKey: 'none', baseURL: 'http://127.0.0.1', maxRetries: 0, fetch });
  const [Hook] = await decoratedHooks(1);
  const llm = { provider: 'openai', model: MODELS.openai, client };
  const app = await startApplication({ llm }, [CostTracker, Hook]);
  return { app, service: app.get(LlmService), hook: app.get(Hook) };
}
