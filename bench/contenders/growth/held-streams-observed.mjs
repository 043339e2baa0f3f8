// The same calls through the same client, observed, with a hook and CostTracker.
import { startObserving } from '../observing.mjs';
import { holder, newClient } from './held-streams-sdk.mjs';

export async function setUp() {
  const { app, client, hook } = await startObserving('openai', newClient(), { hooked: true });
  const held = holder(client);
  return {
    async run(times) {
      hook.heard = 0;
      const work = await held.run(times);
      if (hook.heard !== work.chunks)
        throw new Error(`The hook heard ${hook.heard} of ${work.chunks}.`);
      return work;
    },
    release: () => held.release(),
    close: () => app.close(),
  };
}
