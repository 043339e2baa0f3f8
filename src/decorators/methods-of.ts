import { CallbacksConfigurationError } from '../errors/index.js';

/**
 * What decorators have noted on the methods of a class, own and inherited. A method counts as it is overridden: without
 * the decorator it drops out.
 */
export function methodsOf<M>(
  prototype: object,
  read: (owner: object, method: string) => M | undefined,
): [method: string, noted: M][] {
  const found = new Map<string, M | undefined>();
  for (
    let owner: object | null = prototype;
    owner && owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner) as object | null
  ) {
    for (const name of Object.getOwnPropertyNames(owner)) {
      if (!found.has(name)) found.set(name, read(owner, name));
    }
  }
  return [...found].filter((entry): entry is [string, M & {}] => entry[1] !== undefined);
}

/** Refuses a decorator that is not on an instance method; the error names the place. */
export function checkPlace(
  decorator: string,
  target: object,
  key: string | symbol,
  descriptor: PropertyDescriptor | undefined,
  purpose: string,
): asserts key is string {
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
