// `for await` over the same ready chunks, and a plain isolated loop over the handlers.
import { chunkHookClasses, heardBy, resetAll } from '../chunk-hooks.mjs';
import { tell } from './dispatch-loop.mjs';
import { Pieces } from '../pieces-provider.mjs';

export async function setUp({ handlers }) {
  const hooks = (await chunkHookClasses(handlers)).map((ChunkHook) => new ChunkHook());
  return {
    async run(times) {
      resetAll(hooks);
      let chunks = 0;
      for await (const chunk of new Pieces(times)) {
        tell({ type: 'llm.chunk', chunk, index: chunks }, hooks);
        chunks++;
      }
      return { chunks, heard: heardBy(hooks) };
    },
    close: () => undefined,
  };
}
