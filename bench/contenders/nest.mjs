// Nest without a compiler.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

/** A real application without HTTP. */
export function startNest({ imports = [], providers }) {
  class BenchModule {}
  Module({ imports, providers })(BenchModule);
  return NestFactory.createApplicationContext(BenchModule, { logger: ['error', 'warn'] });
}

/** What TypeScript makes of a decorator above a method. */
export function decorate(prototype, method, decorator) {
  decorator(prototype, method, Object.getOwnPropertyDescriptor(prototype, method));
}
