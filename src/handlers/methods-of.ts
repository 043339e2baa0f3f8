import 'reflect-metadata';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';

/** What decorators of one kind have noted on the methods of exactly one prototype. */
type Notes<M> = Map<string, M>;

/** Notes something on a method, given what was noted there before. */
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
 * What decorators of one kind have noted on the methods of a class, own and inherited. A method counts as it is
 * overridden: without the decorator it drops out.
 */
export function methodsOf<M>(kind: symbol, prototype: object): [method: string, noted: M][] {
  const found: [string, M][] = [];
  const heirs: object[] = [];
  for (
    let owner: object | null = prototype;
    owner && owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner) as object | null
  ) {
    // One lookup a class, whatever number of methods it has: an application may have thousands.
    for (const [method, noted] of notesOf<M>(kind, owner) ?? []) {
      if (!heirs.some((heir) => Object.hasOwn(heir, method))) found.push([method, noted]);
    }
    heirs.push(owner);
  }
  return found;
}

/** What decorators of one kind have noted on a method, by its class or the nearest one above that has such notes. */
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

/** Refuses a decorator that is not on an instance method; the error names the place. */
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
 * Refuses a decorator that a compiler calls as JavaScript's own decorators are called, with a context in place of a name.
 * Nest needs TypeScript's.
 */
export function checkLegacy(decorator: string, key: unknown): void {
  if (typeof key !== 'object' || key === null || !('kind' in key)) return;
  const { name } = key as { readonly name?: string | symbol };
  throw new CallbacksConfigurationError(
    `${decorator} on "${String(name)}" was compiled as a standard decorator, which Nest does not support: set "experimentalDecorators": true and "emitDecoratorMetadata": true in the compilerOptions of tsconfig.json (with SWC: "legacyDecorator": true and "decoratorMetadata": true).`,
  );
}
