/**
 * Shadows a method of an object, or of `otherwise`, with an own property; `around` receives the bound original. The
 * property is not enumerable. Returns a function that removes it.
 */
export function shadow(
  object: object,
  key: PropertyKey,
  around: (call: () => unknown) => unknown,
  otherwise?: (value?: unknown) => unknown,
): () => void {
  const before = Object.getOwnPropertyDescriptor(object, key);
  const method: unknown = Reflect.get(object, key) ?? otherwise;
  if (typeof method !== 'function') return () => undefined;
  const value = function (this: unknown, ...args: unknown[]): unknown {
    return around(() => Reflect.apply(method, this, args));
  };
  Object.defineProperty(object, key, { value, configurable: true, writable: true });
  return () => {
    if (Object.getOwnPropertyDescriptor(object, key)?.value !== value) return;
    if (before) Object.defineProperty(object, key, before);
    else Reflect.deleteProperty(object, key);
  };
}
