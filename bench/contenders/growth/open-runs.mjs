// Streams that are all open, of which one is read, or all in turn, a chunk each: what a chunk costs, from the provider to
// a hook and the reader. They are opened beforehand.
import { decoratedHooks, library, startApplication } from '../library.mjs';
import { PiecesProvider } from '../pieces-provider.mjs';

export async function setUp({ open, read }) {
  const provider = new PiecesProvider();
  provider.count = Infinity;
  const classes = await decoratedHooks(1);
  const app = await startApplication({ llm: { provider, model: 'pieces' } }, classes);
  const service = app.get(library.LlmService);
  const hook = app.get(classes[0]);
  // Text that is kept would grow from round to round.
  const readers = Array.from({ length: open }, () =>
    service.stream('?', { collect: false })[Symbol.asyncIterator](),
  );
  for (const reader of readers) await reader.next();
  const busy = read === 'all' ? open : 1;
  return {
    async run(times) {
      hook.heard = 0;
      let chunks = 0;
      for (let i = 0; i < times; i++) {
        const { value } = await readers[i % busy].next();
        if (value.type === 'text') chunks++;
      }
      return { chunks, heard: hook.heard };
    },
    async close() {
      for (const reader of readers) await reader.return();
      await app.close();
    },
  };
}
