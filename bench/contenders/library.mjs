// The library under test, as the runner placed it for this process.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { chunkHookClasses } from './chunk-hooks.mjs';

const entry = process.env.BENCH_LIBRARY;
if (!entry) throw new Error('BENCH_LIBRARY is not set: contenders are started by the runner.');

export const library = await import(entry);

/** A module of the library that is not part of its interface. */
export function internal(path) {
  return import(new URL(path, entry).href);
}

/** A real application without HTTP: the library's module and `providers`. */
export function startApplication(options, providers) {
  class BenchModule {}
  Module({ imports: [library.CallbacksModule.forRoot(options)], providers })(BenchModule);
  return NestFactory.createApplicationContext(BenchModule, { logger: ['error', 'warn'] });
}

/** Provider classes with one synchronous `@OnLlmStreamChunk()` method each. */
export async function decoratedHooks(count) {
  const classes = await chunkHookClasses(count);
  for (const { prototype } of classes) {
    decorate(prototype, 'onPiece', library.OnLlmStreamChunk());
  }
  return classes;
}

/** What TypeScript makes of a decorator above a method. */
export function decorate(prototype, method, decorator) {
  decorator(prototype, method, Object.getOwnPropertyDescriptor(prototype, method));
}
