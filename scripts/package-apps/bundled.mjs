// Names that other processes, clients and later builds know things by, in a minified bundle.
import 'reflect-metadata';
import { strict as assert } from 'node:assert';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  BudgetExceededError,
  CallbackAbort,
  CallbacksConfigurationError,
  CallbacksExceptionFilter,
  CallbacksModule,
  CostLimiter,
  LlmService,
  MemoryLimitStore,
  OnLlmEnd,
  RateLimiter,
} from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import copies from './copies.cjs';

class AuditOfTheDesk {
  record() {}
}

/** Keeps the names that limiters count under. */
class ListedStore extends MemoryLimitStore {
  groups = [];

  reserve(request) {
    this.groups.push(request.group);
    return super.reserve(request);
  }
}

class BudgetOfTheTeam extends CostLimiter {}
class DeskIsClosed extends CallbackAbort {}

const jobs = [];
const queue = {
  async add(job) {
    jobs.push(job.handler);
  },
  async start() {},
  async close() {},
};

async function start(options, decoratorOptions) {
  class Audit extends AuditOfTheDesk {
    record() {}
  }
  copies.decorate(OnLlmEnd(decoratorOptions), Audit, 'record');
  Injectable()(Audit);
  class AppModule {}
  Module({
    imports: [
      CallbacksModule.forRoot({
        llm: { provider: new FakeLlm(['one', 'two']), model: 'fake' },
        background: { queue },
        ...options,
      }),
    ],
    providers: [Audit],
  })(AppModule);
  return NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
}

/** The body that a client of HTTP gets. */
function bodyOf(error) {
  let body;
  const response = {
    status: () => response,
    header: () => response,
    send: (sent) => (body = sent),
  };
  const http = { getResponse: () => response, getRequest: () => ({ headers: {} }) };
  const host = { getType: () => 'http', switchToHttp: () => http };
  new CallbacksExceptionFilter().catch(error, host);
  return body;
}

async function main() {
  assert.notEqual(BudgetOfTheTeam.name, 'BudgetOfTheTeam', 'the bundle is not minified');

  // Limiters of ours count under their literal names; others need one.
  const store = new ListedStore();
  const callbacks = [
    new RateLimiter({ requestsPerMinute: 1, store }),
    new CostLimiter({ maxCost: 1, unknownPrice: 'allow', store }),
    new BudgetOfTheTeam({ maxCost: 1, unknownPrice: 'allow', store, name: 'team' }),
  ];
  assert.throws(() => new BudgetOfTheTeam({ maxCost: 1, store }), {
    name: 'CallbacksConfigurationError',
    message: /name is missing/,
  });

  // So do durable handlers.
  await assert.rejects(
    start({}, { background: 'durable' }),
    (error) =>
      error instanceof CallbacksConfigurationError && /needs|Give it one/.test(error.message),
  );
  const app = await start({ callbacks }, { background: 'durable', name: 'audit' });
  const llm = app.get(LlmService);
  assert.equal((await llm.generate('hi')).text, 'one');
  assert.deepEqual(jobs, ['audit']);
  assert.ok(store.groups.includes('RateLimiter'), String(store.groups));
  for (const group of store.groups) assert.match(group, /^(RateLimiter|CostLimiter|team)$/);

  // Errors have their names, and bodies of HTTP do.
  const error = await llm.generate('hi').catch((thrown) => thrown);
  assert.equal(error.name, 'RateLimitExceededError');
  assert.equal(bodyOf(error).error, 'RateLimitExceededError');
  assert.equal(bodyOf(new BudgetExceededError('spent')).error, 'BudgetExceededError');
  assert.equal(bodyOf(new DeskIsClosed('closed')).error, 'CallbackAbort');
  await app.close();
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
