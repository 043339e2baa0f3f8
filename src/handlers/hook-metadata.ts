import 'reflect-metadata';
import type { HandlerOptions } from '../events/handler-options.js';
import type { HookSelector, InterceptorOptions } from './hook-selector.js';
import { checkPlace, methodsOf, notedOn, noteOn } from './methods-of.js';

const HOOKS = Symbol.for('nestjs-llm-callbacks:hooks');
const SCOPES = Symbol.for('nestjs-llm-callbacks:scopes');

/** One decorator on one method. */
export interface HookMetadata {
  readonly selector: HookSelector;
  readonly options: HandlerOptions<never> | InterceptorOptions<never>;
}

/** Records a decorator on a method; throws on anything else, with an error that names it. */
export function addHook(
  decorator: string,
  hook: HookMetadata,
  target: object,
  key: string | symbol,
  descriptor: PropertyDescriptor | undefined,
): void {
  checkPlace(decorator, target, key, descriptor, 'be a callback');
  // Stored by method name, not on the function: a decorator above that wraps the function loses nothing. Decorators are
  // applied from the bottom up; they are registered as they are read.
  noteOn<readonly HookMetadata[]>(HOOKS, target, key, (hooks = []) => [hook, ...hooks]);
}

/** The decorated methods of a class, own and inherited, each with its decorators from the top down. */
export function decoratedMethods(
  prototype: object,
): [method: string, hooks: readonly HookMetadata[]][] {
  return methodsOf(HOOKS, prototype);
}

/** The decorators of a method, or of the method that it overrides. */
export function inheritedHooks(prototype: object, method: string): readonly HookMetadata[] {
  const noted = notedOn(HOOKS, prototype, method) as readonly HookMetadata[] | undefined;
  return noted ?? [];
}

export function setScopes(target: object, scopes: readonly string[]): void {
  Reflect.defineMetadata(SCOPES, scopes, target);
}

/** The scopes of a class, its own or inherited. */
export function readScopes(target: object): readonly string[] | undefined {
  return Reflect.getMetadata(SCOPES, target) as readonly string[] | undefined;
}
