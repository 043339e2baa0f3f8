// The library under test, as the runner placed it for this process.
import { ModulesContainer } from '@nestjs/core';
import { chunkHookClasses } from './chunk-hooks.mjs';
import { decorate, startNest } from './nest.mjs';

const entry = process.env.BENCH_LIBRARY;
if (!entry) throw new Error('BENCH_LIBRARY is not set: contenders are started by the runner.');

export const library = await import(entry);

/** A provider of the library that is not part of its interface, by the name of its class. */
export function innerProvider(app, name) {
  for (const { providers } of app.get(ModulesContainer, { strict: false }).values())
    for (const { metatype, instance } of providers.values())
      if (metatype?.name === name) return instance;
  throw new Error(`The library has no provider ${name}.`);
}

/** Its dispatcher and the maker of its runs. */
export function innerParts(app) {
  const dispatcher = innerProvider(app, 'Dispatcher');
  // Its name in builds of earlier versions, for `--with`.
  Object.getPrototypeOf(dispatcher).dispatchChunk ??= dispatcher.tellChunk;
  return { dispatcher, runs: innerProvider(app, 'RunFactory') };
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
