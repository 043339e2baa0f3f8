// The library under test, as the runner placed it for this process.
import { chunkHookClasses } from './chunk-hooks.mjs';
import { decorate, startNest } from './nest.mjs';

const entry = process.env.BENCH_LIBRARY;
if (!entry) throw new Error('BENCH_LIBRARY is not set: contenders are started by the runner.');

export const library = await import(entry);

/** A module of the library that is not part of its interface; builds of earlier versions have it at the other paths. */
export async function internal(path, ...earlier) {
  try {
    return await import(new URL(path, entry).href);
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || earlier.length === 0) throw error;
    return internal(...earlier);
  }
}

/** A real application without HTTP: the library's module, `providers`, and named clients of the same options. */
export function startApplication(options, providers, names = []) {
  const { CallbacksModule } = library;
  const features = names.map((name) => CallbacksModule.forFeature({ name, llm: options.llm }));
  return startNest({ imports: [CallbacksModule.forRoot(options), ...features], providers });
}

/** Provider classes with one `@OnLlmStreamChunk()` method each. */
export async function decoratedHooks(count, isAsync = false) {
  const classes = await chunkHookClasses(count, isAsync);
  for (const { prototype } of classes) {
    decorate(prototype, 'onPiece', library.OnLlmStreamChunk());
  }
  return classes;
}
