import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module, Scope } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { CallbacksConfigurationError, CostTracker, OnLlmEnd, Tool } from 'nestjs-llm-callbacks';
import { closeApps, startApp } from '../support/app.js';
import { logs } from '../support/logs.js';

afterEach(closeApps);

@Injectable()
class Audit {
  @OnLlmEnd() end() {}
}

/** Two modules that provide the same provider. */
function twoModules(provider: NonNullable<Parameters<typeof Module>[0]['providers']>[number]) {
  @Module({ providers: [provider] })
  class DeskModule {}
  @Module({ providers: [provider] })
  class ShopModule {}
  return { DeskModule, ShopModule };
}

const warnings = () => logs.filter(({ level }) => level === 'warn').map(({ message }) => message);

describe('A provider with handlers that two modules provide', () => {
  it('logs a warning with both modules and the handlers that run twice', async () => {
    const { DeskModule, ShopModule } = twoModules(Audit);
    await startApp({ imports: [DeskModule, ShopModule] });
    expect(warnings()).toEqual([
      expect.stringMatching(
        /^Audit is provided twice, in DeskModule and in ShopModule: .*Audit\.end acts twice\. .*"exports"/,
      ),
    ]);
  });

  it('logs a warning if it is built in, request-scoped, or loaded later', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped extends Audit {}
    const built = twoModules(CostTracker);
    const scoped = twoModules(Scoped);
    const later = twoModules(Audit);
    const imports = [built.DeskModule, built.ShopModule, scoped.DeskModule, scoped.ShopModule];
    const { module, llm } = await startApp({ imports: [...imports, later.DeskModule] });
    await module.get(LazyModuleLoader).load(() => later.ShopModule);
    await llm.generate('hi');
    expect(warnings().map((message) => /^\w+/.exec(message)?.[0])).toEqual([
      'CostTracker',
      'Scoped',
      'Audit',
    ]);
  });

  it('logs no warning if one module exports it, or several values are provided on purpose', async () => {
    @Module({ providers: [Audit], exports: [Audit] })
    class AuditModule {}
    @Module({ imports: [AuditModule] })
    class One {}
    @Module({ imports: [AuditModule] })
    class Two {}
    const values = { provide: CostTracker, useFactory: () => new CostTracker() };
    const { DeskModule, ShopModule } = twoModules(values);
    await startApp({ imports: [One, Two, DeskModule, ShopModule] });
    expect(warnings()).toEqual([]);
  });
});

describe('Tools with the same name', () => {
  class Tools {
    @Tool({ description: 'Looks.' }) look() {}
  }

  it('are rejected with a suggested fix if two modules provide the same class', async () => {
    const { DeskModule, ShopModule } = twoModules(Tools);
    const starting = startApp({ imports: [DeskModule, ShopModule] });
    await expect(starting).rejects.toThrow(CallbacksConfigurationError);
    await expect(starting).rejects.toThrow(
      /Tools is provided twice, in DeskModule and in ShopModule, and so is its tool "look"\. .*"exports"/,
    );
  });

  it('are rejected with both classes if they are different', async () => {
    class Others {
      @Tool({ description: 'Looks.' }) look() {}
    }
    await expect(startApp({ providers: [Tools, Others] })).rejects.toThrow(
      /Two tools are named "look": Tools\.look and Others\.look/,
    );
  });

  it('are rejected if no module provides their class, or it has no tools', async () => {
    class Plain {}
    const start = (tools: (typeof Plain)[]) => startApp({}, { agent: { tools } });
    await expect(start([Tools as typeof Plain])).rejects.toThrow(
      /wants the tools of Tools, which no module provides: list the class under "providers"/,
    );
    await expect(start([Plain])).rejects.toThrow(
      /wants the tools of Plain, which has none: decorate its methods/,
    );
  });
});
