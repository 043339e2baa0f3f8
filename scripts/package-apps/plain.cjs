require('reflect-metadata');
const { strict: assert } = require('node:assert');
const { Injectable, Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { CallbacksModule, LlmService, OnLlmEnd } = require('nestjs-llm-callbacks');
const { FakeLlm } = require('nestjs-llm-callbacks/testing');

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

async function main() {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
  const { text } = await app.get(LlmService).generate('hi');
  assert.equal(text, 'hello');
  assert.equal(app.get(Hooks).received.length, 1);
  await app.close();

  // Two copies of a class would be two injection tokens.
  const imported = await import('nestjs-llm-callbacks');
  assert.equal(imported.LlmService, LlmService);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
