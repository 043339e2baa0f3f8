/**
 * Puts a method of the object's own before one that it has, or `otherwise` has for it; `around` gets that ready to be
 * called. Unseen by loops and logs. Returns what takes it away.
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
