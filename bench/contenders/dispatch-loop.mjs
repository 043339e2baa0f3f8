// The least that tells an event to handlers of which none can disturb the others: a loop with a `try` in it.
import { chunkHookClasses, heardBy, resetAll } from './chunk-hooks.mjs';

export async function setUp({ handlers }) {
  const hooks = (await chunkHookClasses(handlers)).map((ChunkHook) => new ChunkHook());
  const chunk = { type: 'text', text: ' word' };
  const run = { runId: 'run' };
  return {
    run(times) {
      resetAll(hooks);
      for (let i = 0; i < times; i++) tell({ type: 'llm.chunk', run, chunk, index: i }, hooks);
      return { dispatched: times, heard: heardBy(hooks) };
    },
    close: () => undefined,
  };
}

export function tell(event, hooks) {
  for (let i = 0; i < hooks.length; i++) {
    try {
      const returned = hooks[i].onPiece(event);
      if (typeof returned?.then === 'function') throw new Error('A hook was not synchronous.');
    } catch (error) {
      console.error(error);
    }
  }
}
