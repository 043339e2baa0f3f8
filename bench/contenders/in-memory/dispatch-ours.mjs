// A chunk event made and told by the library's own Dispatcher to the discovered hooks of a real application's run. The
// inner providers are taken from the container, because nothing public stops in front of the dispatcher.
import { heardBy, resetAll } from '../chunk-hooks.mjs';
import { decoratedHooks, innerParts, startApplication } from '../library.mjs';
import { PiecesProvider } from '../pieces-provider.mjs';

/** The library reads the clock once a packet. */
const EVENTS_PER_PACKET = 64;

export async function setUp({ handlers, isAsync }) {
  const classes = await decoratedHooks(handlers, isAsync);
  const llm = { provider: new PiecesProvider(), model: 'pieces' };
  const app = await startApplication({ llm }, classes);
  const { dispatcher, runs } = innerParts(app);
  const hooks = classes.map((one) => app.get(one));
  return {
    async run(times) {
      resetAll(hooks);
      const run = runs.create({ provider: 'pieces', model: 'pieces' });
      if (isAsync) await tellAllAsync(times, dispatcher, run);
      else tellAllSync(times, dispatcher, run);
      return { dispatched: times, heard: heardBy(hooks) };
    },
    close: () => app.close(),
  };
}

const chunk = { type: 'text', text: ' word' };

function tellAllSync(times, dispatcher, run) {
  let arrivedAt = 0;
  for (let i = 0; i < times; i++) {
    if (i % EVENTS_PER_PACKET === 0) arrivedAt = Date.now();
    const waiting = dispatcher.dispatchChunk(chunk, i, arrivedAt, run);
    if (waiting !== undefined) throw new Error('A synchronous hook was waited for.');
  }
}

/** As the library's own reader of a stream does it. */
async function tellAllAsync(times, dispatcher, run) {
  let arrivedAt = 0;
  for (let i = 0; i < times; i++) {
    if (i % EVENTS_PER_PACKET === 0) arrivedAt = Date.now();
    const waiting = dispatcher.dispatchChunk(chunk, i, arrivedAt, run);
    if (waiting !== undefined) await waiting;
  }
}
