import 'reflect-metadata';
import { types } from 'node:util';
import { Inject, Optional } from '@nestjs/common';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { isOptions, kindOf, unknownOption, type OptionNames } from '../util/known-options.js';
import type { ComposedDecorator } from '../handlers/composed.js';
import {
  isMethodRunner,
  METHOD_RUNNER,
  type MethodRunner,
  type MethodWork,
} from './method-runner.js';
import { checkPlace } from '../handlers/methods-of.js';

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Decorates any method of a provider or controller. */
export interface RunDecorator extends ComposedDecorator {
  <M extends (...args: never[]) => unknown>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void;
}

/** The common options of `@Chain()` and `@Retrieval()`. */
export interface RunMethodOptions {
  /**
   * Whether a call waits for its start handlers before the body runs, so that any critical one can stop it. The call
   * then returns a promise.
   * @default `true` for methods that are `async` (also below other decorators) or declared to return a `Promise` (if
   * the compiler emits decorator metadata)
   */
  async?: boolean;
}

/**
 * Creates a decorator that runs a method as the run that `describe` returns for a call.
 *
 * @param names the names of the options that the decorator takes
 */
export function runMethod(
  decorator: string,
  options: RunMethodOptions,
  names: OptionNames,
  describe: (owner: object, method: string, args: readonly unknown[]) => MethodWork,
): RunDecorator {
  return (target: object, key: string | symbol, descriptor: PropertyDescriptor) => {
    checkPlace(decorator, target, key, descriptor, `be a ${decorator.toLowerCase()}`);
    checkOptions(`@${decorator}() on ${target.constructor.name}.${key}`, options, names);
    const method = descriptor.value as Method;
    const isAsync = options.async ?? (isAsyncFunction(method) || isDeclaredAsync(target, key));
    const run = wrap(method, isAsync, (owner, args) => describe(owner, key, args));
    keepIdentity(run, method);
    descriptor.value = run;
    injectRunner(target);
  };
}

function checkOptions(place: string, options: RunMethodOptions, names: OptionNames): void {
  const problem = isOptions(options)
    ? unknownOption(options, names)
    : `options of this kind: ${kindOf(options)}`;
  if (problem !== undefined) throw new CallbacksConfigurationError(`${place} has no ${problem}.`);
  if (options.async !== undefined && typeof options.async !== 'boolean')
    throw new CallbacksConfigurationError(`${place}: async must be true or false.`);
}

/** The body of an async generator runs when it is read: calling it is synchronous. */
function isAsyncFunction(method: unknown): boolean {
  return types.isAsyncFunction(method) && !types.isGeneratorFunction(method);
}

/**
 * Whether the original method returns a promise. Decorators below may have wrapped it in a plain function, as
 * transaction and trace decorators do; the class still has the original method until all decorators are applied.
 */
function isDeclaredAsync(target: object, key: string): boolean {
  const written: unknown = Object.getOwnPropertyDescriptor(target, key)?.value;
  if (types.isGeneratorFunction(written)) return false;
  return (
    isAsyncFunction(written) || Reflect.getOwnMetadata('design:returntype', target, key) === Promise
  );
}

function wrap(
  method: Method,
  isAsync: boolean,
  describe: (owner: object, args: unknown[]) => MethodWork,
): Method {
  if (isAsync) {
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

/** Whether an application created the object. A test that mocks the object's dependencies has a double here. */
function hasRunner(owner: unknown): owner is { readonly [METHOD_RUNNER]: MethodRunner } {
  return isMethodRunner((owner as { [METHOD_RUNNER]?: unknown } | undefined)?.[METHOD_RUNNER]);
}

/** Keeps name, length and metadata, which other decorators have set or will read. */
function keepIdentity(run: Method, method: Method): void {
  Object.defineProperties(run, Object.getOwnPropertyDescriptors(method));
  for (const key of Reflect.getOwnMetadataKeys(method) as unknown[])
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, method), run);
}

/**
 * Injects its own application's runner into every instance that Nest creates, of any scope, in any number of
 * applications.
 */
function injectRunner(prototype: object): void {
  if (METHOD_RUNNER in prototype) return;
  Object.defineProperty(prototype, METHOD_RUNNER, {
    configurable: true,
    // Nest assigns injected properties; a non-enumerable property stays out of loops, spreads and logs of the instance.
    set(this: object, runner: MethodRunner) {
      Reflect.defineProperty(this, METHOD_RUNNER, { value: runner, configurable: true });
    },
  });
  Inject(METHOD_RUNNER)(prototype, METHOD_RUNNER);
  Optional()(prototype, METHOD_RUNNER);
}
