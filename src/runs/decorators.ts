import { types } from 'node:util';
import { Inject, Optional } from '@nestjs/common';
import 'reflect-metadata';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { ComposedDecorator } from '../handlers/decorators.js';
import { checkPlace } from '../handlers/metadata.js';
import {
  isOptions,
  kindOf,
  optionNames,
  type OptionNames,
  unknownOption,
} from '../util/known-options.js';
import { isMethodRunner, METHOD_RUNNER, type MethodRunner, type MethodWork } from './tracer.js';

/** Options of `@Chain()`. */
export interface ChainOptions extends RunMethodOptions {
  /**
   * The name of the chain.
   * @default `Class.method`, with the class of the instance
   */
  name?: string;
}

const CHAIN_OPTIONS = optionNames<ChainOptions>({ name: true, async: true });

/**
 * Runs a method as a chain: all runs inside are nested under it, and `@OnChainStart()`, `@OnChainEnd()` and
 * `@OnChainError()` handle its events. Use it on any method of a provider or controller of any scope, above or below
 * other decorators. The method keeps `this` and its arguments, and stays sync or async.
 *
 * `input` is the only argument, or the list of arguments; `result` is the returned value.
 *
 * - An `async` method waits for its start handlers, and a critical one can stop it before its body runs. The same
 *   applies to an `async` method that other decorators below have wrapped (`@Transactional()`, `@Span()`), and to a
 *   method declared to return a `Promise`, if the compiler emits decorator metadata; set `async: true` for any other
 *   method. The terminal event precedes the settling of the promise.
 * - Any other method is called immediately: only a synchronous critical handler can stop it. An error of an
 *   asynchronous one rejects the promise that the method returned, or fails the stream; for a plain value it is too
 *   late, and is emitted as `callback.error`.
 * - If the result is a stream (`LlmStream`, `AgentStream`, an async iterable, a Node or web stream, an Observable), the
 *   chain stays open until the first read or subscription ends, or the stream is disposed of. The caller gets the
 *   stream immediately: the same object, or a mirror of an Observable. `result` is then the `LlmResponse` or
 *   `AgentResult`; for any other stream, which is not collected, it is `undefined`.
 *
 * Instances that Nest did not create (`new X()`, `useValue`, results of `useFactory`) stay plain objects: their methods
 * run without a chain. The same applies to calls from a constructor, and to applications without `CallbacksModule`.
 *
 * @param name the name of the chain, or {@link ChainOptions}; by default `Class.method`, with the class of the instance
 * @throws CallbacksConfigurationError on anything but an instance method with a string name
 *
 * @example
 * ```ts
 * class Answers { @Chain('answer-ticket') async answer(ticket: Ticket) {
 *   const facts = await this.help.search(ticket.text);
 *   return this.llm.generate(`${facts.join('\n')}\n\n${ticket.text}`);
 * } }
 * ```
 */
export function Chain(name?: string | ChainOptions): RunDecorator {
  const options = typeof name === 'string' || name === undefined ? { name } : name;
  return runMethod('Chain', options as ChainOptions, CHAIN_OPTIONS, {
    work: (owner, method, args) => ({
      kind: 'chain',
      name: options?.name ?? `${owner.constructor.name}.${method}`,
      input: args.length === 1 ? args[0] : args,
    }),
    args: (input, args) =>
      args.length === 1 || !Array.isArray(input) ? [input] : (input as unknown[]),
  });
}

/** Options of `@Retrieval()`. */
export interface RetrievalOptions extends RunMethodOptions {
  /** What is searched: an index, a table … */
  source?: string;
}

const RETRIEVAL_OPTIONS = optionNames<RetrievalOptions>({ source: true, async: true });

/**
 * Runs a method as a retrieval: `@OnRetrievalStart()`, `@OnRetrievalEnd()` and `@OnRetrievalError()` handle its events,
 * and all runs inside are nested under it. `query` is its first argument; `documents` is the whole returned value.
 *
 * The rules of {@link Chain} apply: scopes, order of decorators, critical handlers, streams, plain instances.
 *
 * @param source what is searched (an index, a table …), or {@link RetrievalOptions}
 * @throws CallbacksConfigurationError on anything but an instance method with a string name
 *
 * @example
 * ```ts
 * class Help { @Retrieval('help-texts') async search(query: string): Promise<HelpText[]> {
 *   return this.index.nearest(await this.embed(query), 5);
 * } }
 * ```
 */
export function Retrieval(source?: string | RetrievalOptions): RunDecorator {
  const options = typeof source === 'string' || source === undefined ? { source } : source;
  return runMethod('Retrieval', options as RetrievalOptions, RETRIEVAL_OPTIONS, {
    work: (_owner, _method, [query]) => ({ kind: 'retrieval', query, source: options.source }),
    args: (query, args) =>
      args.length === 0 && query === undefined ? [] : [query, ...args.slice(1)],
  });
}

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

/** How the calls of a method become runs. */
interface MethodCalls {
  /** The run of a call. */
  work(owner: object, method: string, args: readonly unknown[]): MethodWork;
  /** The arguments of the method, with an input or query that interceptors may have changed. */
  args(changed: unknown, args: readonly unknown[]): readonly unknown[];
}

/**
 * Creates a decorator that runs a method as a run.
 *
 * @param names the names of the options that the decorator takes
 */
function runMethod(
  decorator: string,
  options: RunMethodOptions,
  names: OptionNames,
  calls: MethodCalls,
): RunDecorator {
  return (target: object, key: string | symbol, descriptor: PropertyDescriptor) => {
    checkPlace(decorator, target, key, descriptor, `be a ${decorator.toLowerCase()}`);
    checkOptions(`@${decorator}() on ${target.constructor.name}.${key}`, options, names);
    const method = descriptor.value as Method;
    const isAsync = options.async ?? (isAsyncFunction(method) || isDeclaredAsync(target, key));
    const run = wrap(method, key, isAsync, calls);
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

function wrap(method: Method, name: string, isAsync: boolean, calls: MethodCalls): Method {
  const call = (owner: object, args: unknown[]) => (changed: unknown) =>
    method.apply(owner, [...calls.args(changed, args)]);
  if (isAsync) {
    return async function (this: unknown, ...args) {
      if (!hasRunner(this)) return method.apply(this, args);
      return this[METHOD_RUNNER].callInTurn(calls.work(this, name, args), call(this, args));
    };
  }
  return function (this: unknown, ...args) {
    if (!hasRunner(this)) return method.apply(this, args);
    return this[METHOD_RUNNER].callNow(calls.work(this, name, args), call(this, args));
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
