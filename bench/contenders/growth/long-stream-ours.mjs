// The same answer through the library, with a hook, CostTracker and `collect: false`.
import { PROMPT } from '../question.mjs';
import { startInMemory } from './application-in-memory.mjs';

export async function setUp({ events, characters, looks }) {
  const { app, service, hook } = await startInMemory({ events, text: 'x'.repeat(characters) });
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
