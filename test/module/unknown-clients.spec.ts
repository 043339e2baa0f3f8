import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Global, Inject, Injectable, Module, Scope } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  CallbacksConfigurationError,
  CallbacksModule,
  InjectAgent,
  InjectLlm,
  type AgentService,
  LlmService,
} from 'nestjs-llm-callbacks';
import { closeApps, startApp, willClose } from '../support/app.js';

afterEach(closeApps);

const support = CallbacksModule.forFeature({ name: 'support' });

@Injectable()
class Desk {
  constructor(@InjectLlm('suport') readonly llm: LlmService) {}
}

describe('An unknown client is rejected with the known ones', () => {
  @Injectable({ scope: Scope.REQUEST })
  class Scoped extends Desk {}
  @Controller()
  class Routes {
    @InjectLlm('suport') readonly llm!: LlmService;
  }
  class Clerk {
    constructor(
      @Inject('x') readonly x: unknown,
      @InjectAgent('suport') readonly agent: AgentService,
    ) {}
  }
  @Module({ providers: [Desk] })
  class DeskModule {}

  it.each<[string, Parameters<typeof startApp>[0], string]>([
    [
      'when injected into a constructor',
      { providers: [Desk] },
      'Desk in RootTestModule wants the client',
    ],
    [
      'when injected in another module',
      { imports: [DeskModule] },
      'Desk in DeskModule wants the client',
    ],
    [
      'when injected into a request-scoped provider',
      { providers: [Scoped] },
      'Scoped in RootTestModule wants the client',
    ],
    [
      'when injected into a property',
      { controllers: [Routes] },
      'Routes in RootTestModule wants the client',
    ],
    [
      'as an agent, beside another dependency',
      { providers: [Clerk, { provide: 'x', useValue: 1 }] },
      'Clerk in RootTestModule wants the agent',
    ],
  ])('%s', async (_where, { imports = [], ...metadata } = {}, place) => {
    const starting = startApp({ imports: [support, ...imports], ...metadata });
    await expect(starting).rejects.toThrow(CallbacksConfigurationError);
    await expect(starting).rejects.toThrow(
      `${place} "suport", but no client has that name. Did you mean "support"? Known are: default, support;`,
    );
  });

  it('or, if the module does not import it, with a suggested fix', async () => {
    @Injectable()
    class Shop {
      constructor(@InjectLlm('support') readonly llm: LlmService) {}
    }
    @Module({ providers: [Shop] })
    class ShopModule {}
    await expect(startApp({ imports: [support, ShopModule] })).rejects.toThrow(
      /Shop in ShopModule wants the client "support", which ShopModule does not import: keep/,
    );
    @Global()
    @Module({ imports: [support], exports: [support] })
    class ClientsModule {}
    const { module } = await startApp({ imports: [ClientsModule, ShopModule] });
    expect(module.get(Shop, { strict: false }).llm).toBeInstanceOf(LlmService);
  });

  it('in a lazily loaded module, too, by the next run', async () => {
    const { module, llm } = await startApp({ imports: [support] });
    await module.get(LazyModuleLoader).load(() => DeskModule);
    await expect(llm.generate('hi')).rejects.toThrow(
      /Desk in DeskModule wants the client "suport"/,
    );
  });

  it('but not if a test mocks the missing provider', async () => {
    const mock = { generate: () => 'mocked' };
    const module = await Test.createTestingModule({
      imports: [CallbacksModule.forRoot()],
      providers: [Desk],
      controllers: [Routes],
    })
      .useMocker(() => mock)
      .compile();
    await willClose(module).init();
    expect(module.get(Desk).llm).toBe(mock);
    expect(module.get(Routes).llm).toBe(mock);
  });
});
