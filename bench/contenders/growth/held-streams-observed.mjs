// The same calls through the same client, observed, with a hook and CostTracker.
import { startObserving } from '../observing.mjs';
import { holder, newClient } from './held-streams-sdk.mjs';

export async function setUp() {
  const { app, client, hook } = await startObserving('openai', newClient(), { hooked: true });
  const { run, release } = holder(client);
  return {
    async run(times) {
      hook.heard = 0;
      const work = await run(times);
      if (hook.heard !== work.chunks)
        throw new Error(`The hook heard ${hook.heard} of ${work.chunks}.`);
      return work;
    },
    release,
    close: () => app.close(),
  };
}
