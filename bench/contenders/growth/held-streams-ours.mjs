// The same calls through the library, on the same SDK, with a hook and CostTracker.
import { PROMPT } from '../question.mjs';
import { startInMemory } from './application-in-memory.mjs';

export async function setUp() {
  const { app, service, hook } = await startInMemory({ events: 1, text: ' word', staysOpen: true });
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
