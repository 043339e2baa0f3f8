import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Scope } from '@nestjs/common';
import { LlmService, OnLlmEnd, Tool } from 'nestjs-llm-callbacks';
import { closeApps, startApp } from '../../support/app.js';
import { logs } from '../../support/logs.js';
import { serve } from './support.js';

let received: object[];
beforeEach(() => {
  received = [];
});
afterEach(closeApps);

class Audit {
  @OnLlmEnd() end() {
    received.push(this);
  }
  @Tool({ description: 'Looks.' }) look() {}
}

const scope = Scope.REQUEST;

describe('A request-scoped factory', () => {
  it('whose token is not a class, and that is never injected, logs a warning', async () => {
    const { llm } = await startApp({
      providers: [{ provide: 'audit', scope, useFactory: () => new Audit() }],
    });
    await llm.generate('hi');
    expect(received).toEqual([]);
    expect(logs).toEqual([
      { level: 'warn', message: expect.stringMatching(/"audit".*\{ provide: TheClass, /) },
    ]);
  });

  it('whose token is not a class receives events after its first instance, with a warning', async () => {
    const injected: Audit[] = [];
    @Controller()
    class Desk {
      constructor(
        @Inject('audit') audit: Audit,
        private readonly llm: LlmService,
      ) {
        injected.push(audit);
      }
      @Get() async ask() {
        return (await this.llm.generate('hi')).text;
      }
    }
    const { ask } = await serve('Express', {
      providers: [
        { provide: 'audit', scope, useFactory: async () => Promise.resolve(new Audit()) },
      ],
      controllers: [Desk],
    });
    expect(logs).toEqual([]);
    await ask();
    await ask();
    expect(received).toEqual(injected);
    expect(injected).toHaveLength(2);
    expect(logs).toEqual([
      {
        level: 'warn',
        message: expect.stringMatching(/"audit".* Audit\.end, Audit\.look .*provide: Audit, /),
      },
    ]);
  });

  it('whose instances have no handlers logs no warning', async () => {
    let made = 0;
    @Injectable()
    class User {
      constructor(@Inject('connection') readonly connection: object) {}
    }
    const useFactory = () => ({ number: made++ });
    const { module, llm } = await startApp({
      providers: [{ provide: 'connection', scope, useFactory }, User],
    });
    await llm.generate('hi');
    expect(made).toBe(0);
    await module.resolve(User);
    await module.resolve(User);
    expect(made).toBe(2);
    expect(logs).toEqual([]);
  });
});
