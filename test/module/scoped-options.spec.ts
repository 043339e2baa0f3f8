import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Inject,
  Injectable,
  Module,
  Scope,
  type DynamicModule,
  type Provider,
  type Type,
} from '@nestjs/common';
import { LazyModuleLoader, REQUEST } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  CallbacksConfigurationError,
  CallbacksModule,
  getLlmToken,
  LlmService,
  type CallbacksModuleAsyncOptions,
  type OptionsFactory,
} from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import { closeApps, willClose } from '../support/app.js';
import { errorOf } from '../support/wire/index.js';
import { testLogger } from '../support/logs.js';

afterEach(closeApps);

const llm = { provider: new FakeLlm(['hello']), model: 'fake' };
const options = () => ({ llm });

@Injectable({ scope: Scope.REQUEST })
class Tenant {}

@Injectable({ scope: Scope.REQUEST, durable: true })
class DurableTenant {}

@Injectable()
class Keys {
  constructor(readonly tenant: Tenant) {}
}

@Injectable()
class Vault {
  @Inject(Keys) readonly keys: Keys | undefined;
}

@Injectable()
class TransientTenant {
  constructor(@Inject(REQUEST) readonly request: object) {}
}

@Injectable()
class ByRequest implements OptionsFactory<{ llm: typeof llm }> {
  constructor(readonly vault: Vault) {}
  createCallbacksOptions() {
    return options();
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedFactory implements OptionsFactory<{ llm: typeof llm }> {
  createCallbacksOptions() {
    return options();
  }
}

const PROVIDERS: Provider[] = [Tenant, DurableTenant, Keys, Vault, TransientTenant];

@Module({
  providers: [...PROVIDERS, { provide: 'ALIAS', useExisting: Keys }, ByRequest],
  exports: [...PROVIDERS, 'ALIAS', ByRequest],
})
class TenantModule {}

type Making = Omit<CallbacksModuleAsyncOptions, 'isGlobal'>;
const imports = [TenantModule];

const CASES: [string, Making, string][] = [
  ['REQUEST', { inject: [REQUEST], useFactory: options }, 'REQUEST'],
  ['a request-scoped provider', { imports, inject: [Tenant], useFactory: options }, 'Tenant'],
  [
    'a durable provider',
    { imports, inject: [DurableTenant], useFactory: options },
    'DurableTenant',
  ],
  ['what injects one', { imports, inject: [Keys], useFactory: options }, 'Tenant'],
  ['what injects one by a property', { imports, inject: [Vault], useFactory: options }, 'Tenant'],
  ['what injects REQUEST', { imports, inject: [TransientTenant], useFactory: options }, 'REQUEST'],
  ['an alias of one', { imports, inject: ['ALIAS'], useFactory: options }, 'Tenant'],
  [
    'an optional one',
    { imports, inject: [{ token: Tenant, optional: true }], useFactory: options },
    'Tenant',
  ],
  ['a class that needs one', { imports, useClass: ByRequest }, 'Tenant'],
  ['a class of that scope', { useClass: ScopedFactory }, 'ScopedFactory'],
  ['an existing one that needs one', { imports, useExisting: ByRequest }, 'Tenant'],
];

async function startWith(modules: (DynamicModule | Type)[]) {
  const module = await Test.createTestingModule({ imports: modules })
    .setLogger(testLogger)
    .compile();
  await module.init();
  return willClose(module);
}

describe.each(CASES)('Options that inject %s', (_what, making, cause) => {
  const advice = new RegExp(
    `depend on the request, by ${cause}, but clients are made once.*llm\\.resolve: \\(context`,
  );

  it('are rejected by forRootAsync', async () => {
    const error = await errorOf(startWith([CallbacksModule.forRootAsync(making)]));
    expect(error).toBeInstanceOf(CallbacksConfigurationError);
    expect(error.message).toMatch(/^CallbacksModule\.forRootAsync: /);
    expect(error.message).toMatch(advice);
  });

  it('are rejected by forRootAsync when a feature waits for them', async () => {
    const error = await errorOf(
      startWith([
        CallbacksModule.forFeature({ name: 'support' }),
        CallbacksModule.forRootAsync(making),
      ]),
    );
    expect(error.message).toMatch(advice);
  });

  it('are rejected by forFeatureAsync', async () => {
    const feature = CallbacksModule.forFeatureAsync({ ...making, name: 'support' });
    const error = await errorOf(startWith([CallbacksModule.forRoot(options()), feature]));
    expect(error).toBeInstanceOf(CallbacksConfigurationError);
    expect(error.message).toMatch(/^CallbacksModule\.forFeatureAsync\("support"\): /);
    expect(error.message).toMatch(advice);
  });
});

it('Request-scoped options of a lazily loaded module are rejected when they are created', async () => {
  const feature = CallbacksModule.forFeatureAsync({
    name: 'late',
    inject: [REQUEST],
    useFactory: options,
  });
  const app = await startWith([CallbacksModule.forRoot(options())]);
  const loaded = await app.get(LazyModuleLoader).load(() => feature);
  const error = await errorOf(loaded.resolve(getLlmToken('late')));
  expect(error.message).toMatch(/forFeatureAsync\("late"\): its options depend on the request/);
});

it('Slow asynchronous options are awaited', async () => {
  const app = await startWith([
    CallbacksModule.forFeature({ name: 'support' }),
    CallbacksModule.forRootAsync({
      useFactory: async () => {
        await new Promise((resolve) => setTimeout(resolve, 60));
        return options();
      },
    }),
  ]);
  const { text } = await app.get<LlmService>(getLlmToken('support')).generate('Hi');
  expect(text).toBe('hello');
});
