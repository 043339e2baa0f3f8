import 'reflect-metadata';
import { types } from 'node:util';
import { Inject, Optional } from '@nestjs/common';
import {
  isMethodRunner,
  METHOD_RUNNER,
  type MethodRunner,
  type MethodWork,
} from './method-runner.js';
import { checkPlace } from './methods-of.js';

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Goes on any method of a provider or controller. */
export type RunDecorator = <M extends (...args: never[]) => unknown>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/** Makes a decorator that runs a method as what `describe` says of a call of it. */
export function runMethod(
  decorator: string,
  describe: (owner: object, method: string, args: readonly unknown[]) => MethodWork,
): RunDecorator {
  return (target, key, descriptor: PropertyDescriptor) => {
    checkPlace(decorator, target, key, descriptor, `be a ${decorator.toLowerCase()}`);
    const method = descriptor.value as Method;
    const run = wrap(method, (owner, args) => describe(owner, key, args));
    keepIdentity(run, method);
    descriptor.value = run;
    injectRunner(target);
  };
}

function wrap(method: Method, describe: (owner: object, args: unknown[]) => MethodWork): Method {
  // The body of an async generator runs when that is read: calling it is synchronous.
  if (types.isAsyncFunction(method) && !types.isGeneratorFunction(method)) {
    return async function (this: unknown, ...args) {
      if (!hasRunner(this)) return method.apply(this, args);
      return this[METHOD_RUNNER].callInTurn(describe(this, args), () => method.apply(this, args));
    };
  }
  return function (this: unknown, ...args) {
    if (!hasRunner(this)) return method.apply(this, args);
    return this[METHOD_RUNNER].callNow(describe(this, args), () => method.apply(this, args));
  };
}

/** Whether an application has built the object. A test that mocks what the object injects has a double in this place. */
function hasRunner(owner: unknown): owner is { readonly [METHOD_RUNNER]: MethodRunner } {
  return isMethodRunner((owner as { [METHOD_RUNNER]?: unknown } | undefined)?.[METHOD_RUNNER]);
}

/** Name, length, metadata: what other decorators have left on the method, or will look for. */
function keepIdentity(run: Method, method: Method): void {
  Object.defineProperties(run, Object.getOwnPropertyDescriptors(method));
  for (const key of Reflect.getOwnMetadataKeys(method) as unknown[])
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, method), run);
}

/** Every instance that Nest builds gets its own application's runner: of any scope, in any number of applications. */
function injectRunner(prototype: object): void {
  if (METHOD_RUNNER in prototype) return;
  Object.defineProperty(prototype, METHOD_RUNNER, {
    configurable: true,
    // Nest assigns what it injects; defined like this it is in no loop, no spread and no log of the instance.
    set(this: object, runner: MethodRunner) {
      Reflect.defineProperty(this, METHOD_RUNNER, { value: runner, configurable: true });
    },
  });
  Inject(METHOD_RUNNER)(prototype, METHOD_RUNNER);
  Optional()(prototype, METHOD_RUNNER);
}
