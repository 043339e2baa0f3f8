// An application and a library that have a copy of the package each: together they work as with one.
require('reflect-metadata');
const { strict: assert } = require('node:assert');

function decorate(decorator, type, method) {
  decorator(type.prototype, method, Object.getOwnPropertyDescriptor(type.prototype, method));
}

/** Hooks, interceptors and services of a library, made with its own copy of the package. */
function makeLibrary(pkg, { Injectable }) {
  class Gate {
    isOpen = true;
    ended = [];

    check() {
      if (!this.isOpen) throw new pkg.CallbackAbort('The library is closed.');
    }

    end(event) {
      this.ended.push(event instanceof pkg.LlmEndEvent);
    }
  }
  decorate(pkg.OnLlmStart(), Gate, 'check');
  decorate(pkg.OnLlmEnd(), Gate, 'end');
  Injectable()(Gate);

  class Asker {
    constructor(llm, agents, callbacks) {
      Object.assign(this, { llm, agents, callbacks });
    }
  }
  const injected = [pkg.LlmService, pkg.AgentService, pkg.CallbacksService];
  Reflect.defineMetadata('design:paramtypes', injected, Asker);
  Injectable()(Asker);

  const retry = new pkg.RetryInterceptor({ maxRetries: 1, initialDelayMs: 1 });
  const limiter = new pkg.RateLimiter({ requestsPerMinute: 4, per: 'model' });
  return { pkg, Gate, Asker, callbacks: [retry, limiter] };
}

async function check({ pkg, testing, common, core }, library, features = []) {
  assert.notEqual(pkg.CallbackAbort, library.pkg.CallbackAbort, 'both have the same copy');

  const fake = new testing.FakeLlm(['one', new Error('down'), 'two', 'three']);
  class AppModule {}
  common.Module({
    imports: [
      pkg.CallbacksModule.forRoot({
        llm: { provider: fake, model: 'fake' },
        callbacks: library.callbacks,
      }),
      ...features.map((feature) => pkg.CallbacksModule.forFeature(feature)),
    ],
    providers: [library.Gate, library.Asker],
  })(AppModule);
  const app = await core.NestFactory.createApplicationContext(AppModule, {
    logger: ['error'],
    abortOnError: false,
  });
  const gate = app.get(library.Gate);
  const { llm, agents, callbacks } = app.get(library.Asker);
  assert.equal(llm, app.get(pkg.LlmService));
  assert.equal(agents, app.get(pkg.AgentService));
  assert.equal(callbacks, app.get(pkg.CallbacksService));

  assert.equal((await llm.generate('hi')).text, 'one');
  assert.deepEqual(gate.ended, [true]);

  // Its retry tries again, of a stream too.
  assert.equal((await llm.stream('hi').response).text, 'two');
  assert.equal(fake.requests.length, 3);

  // Its refusals end the call.
  gate.isOpen = false;
  for (const ask of [() => llm.generate('hi'), () => llm.stream('hi').response]) {
    const refused = await ask().catch((error) => error);
    assert.ok(refused instanceof pkg.CallbackAbort && refused instanceof pkg.CallbacksError);
    assert.equal(refused.name, 'CallbackAbort');
  }
  assert.equal(fake.requests.length, 3);
  gate.isOpen = true;

  // So do those of its limiter.
  assert.equal((await llm.generate('hi')).text, 'three');
  const limited = await llm.generate('hi').catch((error) => error);
  assert.ok(limited instanceof pkg.RateLimitExceededError, String(limited));
  assert.equal(limited.name, 'RateLimitExceededError');

  for (const { name } of features) {
    const { text } = await app.get(pkg.getLlmToken(name)).generate('hi');
    assert.equal(text, `from ${name}`);
  }
  await app.close();

  await refusesFeatureOf(library.pkg, { pkg, common, core });
}

/** A feature of another copy is refused at start-up. */
async function refusesFeatureOf(other, { pkg, common, core }) {
  class AppModule {}
  common.Module({
    imports: [pkg.CallbacksModule.forRoot(), other.CallbacksModule.forFeature({ name: 'support' })],
  })(AppModule);
  const starting = core.NestFactory.createApplicationContext(AppModule, {
    logger: false,
    abortOnError: false,
  });
  await assert.rejects(starting, { message: /two copies of nestjs-llm-callbacks/ });
}

/** A ready client of an SDK whose only answer is `text`. */
function readyClient(OpenAI, text) {
  const message = { role: 'assistant', content: text };
  const answer = {
    id: 'one',
    object: 'chat.completion',
    model: 'fake',
    choices: [{ index: 0, message, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  };
  return new OpenAI({ apiKey: 'none', fetch: async () => Response.json(answer) });
}

module.exports = { check, decorate, makeLibrary, readyClient };
