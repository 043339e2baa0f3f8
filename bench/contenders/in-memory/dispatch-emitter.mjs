// What Nest has for events: `@OnEvent()` methods of a real application. It says nothing of when they are done, or awaits
// them all at once.
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { chunkHookClasses, heardBy, resetAll } from '../chunk-hooks.mjs';
import { decorate, startNest } from '../nest.mjs';

/** Its listeners are asynchronous even where the methods are not: their promises must get a turn, as with a packet. */
const EVENTS_PER_PACKET = 64;

export async function setUp({ handlers, isAsync }) {
  const classes = await chunkHookClasses(handlers, isAsync);
  for (const { prototype } of classes) decorate(prototype, 'onPiece', OnEvent('llm.chunk'));
  const app = await startNest({
    imports: [EventEmitterModule.forRoot({ maxListeners: 0 })],
    providers: classes,
  });
  const emitter = app.get(EventEmitter2);
  const hooks = classes.map((one) => app.get(one));
  const emitAll = isAsync ? emitAllAsync : emitAllSync;
  return {
    async run(times) {
      resetAll(hooks);
      await emitAll(times, emitter);
      return { dispatched: times, heard: heardBy(hooks) };
    },
    close: () => app.close(),
  };
}

const chunk = { type: 'text', text: ' word' };
const run = { runId: 'run' };

async function emitAllSync(times, emitter) {
  for (let index = 0; index < times; index++) {
    emitter.emit('llm.chunk', { type: 'llm.chunk', run, chunk, index });
    if (index % EVENTS_PER_PACKET === 0) await Promise.resolve();
  }
}

async function emitAllAsync(times, emitter) {
  for (let index = 0; index < times; index++) {
    await emitter.emitAsync('llm.chunk', { type: 'llm.chunk', run, chunk, index });
  }
}
