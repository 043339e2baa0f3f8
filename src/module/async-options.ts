import type { InjectionToken, Provider } from '@nestjs/common';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { AsyncOptions, OptionsFactory } from './options.js';

type Imports = NonNullable<AsyncOptions<unknown>['imports']>;

/** The provider of async options, and the modules that it needs. */
export function asyncOptions<T>(
  token: InjectionToken,
  { imports = [], inject = [], useFactory, useClass, useExisting }: AsyncOptions<T>,
  method: string,
): { imports: Imports; provider: Provider } {
  if (useFactory) return { imports, provider: { provide: token, useFactory, inject } };
  const create = (factory: OptionsFactory<T>) => {
    if (typeof factory?.createCallbacksOptions === 'function')
      return factory.createCallbacksOptions();
    const name = (useExisting ?? useClass)?.name ?? 'its class';
    throw new CallbacksConfigurationError(
      `CallbacksModule.${method}: ${name} has no method createCallbacksOptions(), which gives the options: let the class implement OptionsFactory.`,
    );
  };
  if (useExisting)
    return { imports, provider: { provide: token, useFactory: create, inject: [useExisting] } };
  if (!useClass) {
    throw new CallbacksConfigurationError(
      `CallbacksModule.${method}: give useFactory, useClass or useExisting.`,
    );
  }
  // A separate module provides the class's dependencies.
  const module = {
    module: class CallbacksOptionsModule {},
    imports,
    providers: [useClass],
    exports: [useClass],
  };
  return {
    imports: [module],
    provider: { provide: token, useFactory: create, inject: [useClass] },
  };
}
