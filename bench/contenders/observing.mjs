// An application that observes a client of an SDK: the library's module, CostTracker and, where it is asked for, one
// synchronous hook for each chunk.
import { decoratedHooks, library, startApplication } from './library.mjs';
import { MODELS } from './question.mjs';

const { CallbacksService, CostTracker } = library;

export async function startObserving(wire, raw, { hooked }) {
  const llm = { provider: wire, model: MODELS[wire], client: raw };
  const [Hook] = hooked ? await decoratedHooks(1) : [];
  const app = await startApplication({ llm }, [CostTracker, ...(hooked ? [Hook] : [])]);
  return {
    app,
    client: app.get(CallbacksService).observe(raw),
    costs: app.get(CostTracker),
    hook: hooked ? app.get(Hook) : undefined,
  };
}
