// Through public interfaces only: `LlmService.stream()` over a provider that hands out ready chunks.
import { heardBy, resetAll } from '../chunk-hooks.mjs';
import { decoratedHooks, library, startApplication } from '../library.mjs';
import { PiecesProvider } from '../pieces-provider.mjs';

export async function setUp({ handlers }) {
  const classes = await decoratedHooks(handlers);
  const provider = new PiecesProvider();
  const app = await startApplication({ llm: { provider, model: 'pieces' } }, classes);
  const service = app.get(library.LlmService);
  const hooks = classes.map((one) => app.get(one));
  return {
    async run(times) {
      resetAll(hooks);
      provider.count = times;
      let chunks = 0;
      for await (const { type } of service.stream('?')) if (type === 'text') chunks++;
      return { chunks, heard: heardBy(hooks) };
    },
    close: () => app.close(),
  };
}
