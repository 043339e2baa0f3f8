import 'reflect-metadata';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { HandlerOptions } from '../events/handler-options.js';
import type { HookSelector, InterceptorOptions } from './handler.js';

const HANDLERS = Symbol.for('nestjs-llm-callbacks:handlers');
const SCOPES = Symbol.for('nestjs-llm-callbacks:scopes');

/** One decorator on one method. */
interface HandlerMetadata {
  readonly selector: HookSelector;
  readonly options: HandlerOptions<never> | InterceptorOptions<never>;
}

/** Records a decorator on a method; throws on anything else, with an error that names it. */
export function addHandlerMetadata(
  decorator: string,
  metadata: HandlerMetadata,
  target: object,
  key: string | symbol,
  descriptor: PropertyDescriptor | undefined,
): void {
  checkPlace(decorator, target, key, descriptor, 'be a callback');
  // Stored by method name, not on the function: a decorator above that wraps the function loses nothing. Decorators are
  // applied from the bottom up; they are registered as they are read.
  noteOn<readonly HandlerMetadata[]>(HANDLERS, target, key, (below = []) => [metadata, ...below]);
}

/** The decorated methods of a class, own and inherited, each with its decorators from the top down. */
export function decoratedMethods(
  prototype: object,
): [method: string, metadata: readonly HandlerMetadata[]][] {
  return methodsOf(HANDLERS, prototype);
}

/** The decorators of a method, or of the method that it overrides. */
export function inheritedMetadata(prototype: object, method: string): readonly HandlerMetadata[] {
  const noted = notedOn(HANDLERS, prototype, method) as readonly HandlerMetadata[] | undefined;
  return noted ?? [];
}

export function setScopes(target: object, scopes: readonly string[]): void {
  Reflect.defineMetadata(SCOPES, scopes, target);
}

/** The scopes of a class, its own or inherited. */
export function readScopes(target: object): readonly string[] | undefined {
  return Reflect.getMetadata(SCOPES, target) as readonly string[] | undefined;
}

/** The metadata of one kind of decorator for the methods of exactly one prototype. */
type Notes<M> = Map<string, M>;

/** Stores metadata for a method, computed from the previous metadata. */
export function noteOn<M>(
  kind: symbol,
  prototype: object,
  method: string,
  change: (noted: M | undefined) => M,
): void {
  let notes = notesOf<M>(kind, prototype);
  if (notes === undefined) Reflect.defineMetadata(kind, (notes = new Map()), prototype);
  notes.set(method, change(notes.get(method)));
}

/**
 * The metadata of one kind of decorator for the methods of a class, own and inherited. An override without the
 * decorator is excluded.
 */
export function methodsOf<M>(kind: symbol, prototype: object): [method: string, noted: M][] {
  const found: [string, M][] = [];
  const heirs: object[] = [];
  for (
    let owner: object | null = prototype;
    owner && owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner) as object | null
  ) {
    // One lookup per class, not per method: an application may have thousands.
    for (const [method, noted] of notesOf<M>(kind, owner) ?? []) {
      if (!heirs.some((heir) => Object.hasOwn(heir, method))) found.push([method, noted]);
    }
    heirs.push(owner);
  }
  return found;
}

/** The metadata of one kind of decorator for a method, from its class or the nearest base class that has any. */
function notedOn(kind: symbol, prototype: object, method: string): unknown {
  for (
    let owner: object | null = prototype;
    owner && owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner) as object | null
  ) {
    const noted = notesOf<unknown>(kind, owner)?.get(method);
    if (noted !== undefined) return noted;
  }
  return undefined;
}

function notesOf<M>(kind: symbol, prototype: object): Notes<M> | undefined {
  return Reflect.getOwnMetadata(kind, prototype) as Notes<M> | undefined;
}

/** Rejects a decorator that is not on an instance method; the error names the place. */
export function checkPlace(
  decorator: string,
  target: object,
  key: string | symbol,
  descriptor: PropertyDescriptor | undefined,
  purpose: string,
): asserts key is string {
  checkLegacy(`@${decorator}()`, key);
  if (
    typeof descriptor?.value === 'function' &&
    typeof target !== 'function' &&
    typeof key !== 'symbol'
  )
    return;
  const owner = typeof target === 'function' ? `static ${target.name}` : target.constructor.name;
  throw new CallbacksConfigurationError(
    `@${decorator}() is on ${owner}.${String(key)}, which cannot ${purpose}: put it on an instance method with a string name.`,
  );
}

/**
 * Rejects a standard ECMAScript decorator call, which has a context instead of a name. Nest needs TypeScript's legacy
 * decorators.
 */
export function checkLegacy(decorator: string, key: unknown): void {
  if (typeof key !== 'object' || key === null || !('kind' in key)) return;
  const { name } = key as { readonly name?: string | symbol };
  throw new CallbacksConfigurationError(
    `${decorator} on "${String(name)}" was compiled as a standard decorator, which Nest does not support: set "experimentalDecorators": true and "emitDecoratorMetadata": true in the compilerOptions of tsconfig.json (with SWC: "legacyDecorator": true and "decoratorMetadata": true).`,
  );
}
