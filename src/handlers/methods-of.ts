import 'reflect-metadata';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';

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
export function notedOn(kind: symbol, prototype: object, method: string): unknown {
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
