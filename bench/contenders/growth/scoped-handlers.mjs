// Many handlers that are registered, of a client that is not called, and one that hears: what an event costs, and a run.
import { heardBy, resetAll } from '../chunk-hooks.mjs';
import { decoratedHooks, innerParts, startApplication } from '../library.mjs';
import { PiecesProvider } from '../pieces-provider.mjs';
import { decoratedClasses } from './decorated-classes.mjs';
import { METHODS } from './many-classes.mjs';

const SPEC = { provider: 'pieces', model: 'pieces' };
const chunk = { type: 'text', text: ' word' };

export async function setUp({ elsewhere, what }) {
  const others = decoratedClasses(elsewhere / Object.keys(METHODS).length, 'other');
  const classes = await decoratedHooks(1);
  const llm = { provider: new PiecesProvider(), model: 'pieces' };
  const app = await startApplication({ llm }, [...others, ...classes], ['other']);
  const { dispatcher, runs } = innerParts(app);
  const [hook] = classes.map((one) => app.get(one));
  const strangers = others.map((one) => app.get(one));
  const work = what === 'events' ? tellEvents : makeRuns;
  return {
    run(times) {
      resetAll([hook]);
      const done = work(times, runs, dispatcher);
      return { [what]: done, heard: hook.heard, heardElsewhere: heardBy(strangers) };
    },
    close: () => app.close(),
  };
}

function tellEvents(times, runs, dispatcher) {
  const run = runs.create(SPEC);
  for (let i = 0; i < times; i++) {
    const waiting = dispatcher.dispatchChunk(chunk, i, 0, run);
    if (waiting !== undefined) throw new Error('A synchronous hook was waited for.');
  }
  return times;
}

/** Each is told one event, so that its handlers are looked up. */
function makeRuns(times, runs, dispatcher) {
  for (let i = 0; i < times; i++) {
    const run = runs.create(SPEC);
    dispatcher.dispatchChunk(chunk, i, 0, run);
  }
  return times;
}
