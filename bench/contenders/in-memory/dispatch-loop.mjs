// The least that tells an event to handlers of which none can disturb the others: a loop with a `try` in it.
import { chunkHookClasses, heardBy, resetAll } from '../chunk-hooks.mjs';

export async function setUp({ handlers, isAsync }) {
  const hooks = (await chunkHookClasses(handlers, isAsync)).map((ChunkHook) => new ChunkHook());
  return {
    async run(times) {
      resetAll(hooks);
      if (isAsync) await tellAllAsync(times, hooks);
      else tellAllSync(times, hooks);
      return { dispatched: times, heard: heardBy(hooks) };
    },
    close: () => undefined,
  };
}

const chunk = { type: 'text', text: ' word' };
const run = { runId: 'run' };

function tellAllSync(times, hooks) {
  for (let i = 0; i < times; i++) tell({ type: 'llm.chunk', run, chunk, index: i }, hooks);
}

async function tellAllAsync(times, hooks) {
  for (let i = 0; i < times; i++) {
    await tellAsync({ type: 'llm.chunk', run, chunk, index: i }, hooks);
  }
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

async function tellAsync(event, hooks) {
  for (let i = 0; i < hooks.length; i++) {
    try {
      await hooks[i].onPiece(event);
    } catch (error) {
      console.error(error);
    }
  }
}
