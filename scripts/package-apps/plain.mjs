import 'reflect-metadata';
import { strict as assert } from 'node:assert';
import { createRequire } from 'node:module';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import * as library from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';

const { CallbacksModule, LlmService, OnLlmEnd } = library;

class Hooks {
  received = [];

  ended(event) {
    this.received.push(event);
  }
}
OnLlmEnd()(Hooks.prototype, 'ended', Object.getOwnPropertyDescriptor(Hooks.prototype, 'ended'));
Injectable()(Hooks);

class AppModule {}
Module({
  imports: [CallbacksModule.forRoot({ llm: { provider: new FakeLlm(['hello']), model: 'fake' } })],
  providers: [Hooks],
})(AppModule);

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
const { text } = await app.get(LlmService).generate('hi');
assert.equal(text, 'hello');
assert.equal(app.get(Hooks).received.length, 1);
await app.close();

// Two copies of a class would be two injection tokens.
const required = createRequire(import.meta.url)('nestjs-llm-callbacks');
assert.equal(required.LlmService, LlmService);

// The build may rename classes, whose names are read in logs.
const exported = Object.values(library).filter((one) => typeof one === 'function');
for (const one of exported)
  if (/^class\b/.test(Function.prototype.toString.call(one)))
    assert.ok(Object.hasOwn(library, one.name));
