import { isManagedStream } from './cold-stream.js';

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

type Enter = <R>(work: () => R) => R;

/** Whether an async iterable is its own iterator, as generators are. */
export function isReader(
  iterable: AsyncIterable<unknown>,
): iterable is AsyncIterableIterator<unknown> {
  return typeof (iterable as Partial<AsyncIterator<unknown>>).next === 'function';
}

/**
 * Runs the body of an async iterable in a context although its consumer is outside of it: each read enters the context;
 * the consumer's code between two items does not. The object stays the same. This library's streams keep the context in
 * which they were created on their own.
 */
export function readInContext(value: unknown, enter: Enter): void {
  if (typeof value !== 'object' || value === null || !Object.isExtensible(value)) return;
  if (!isAsyncIterable(value) || isManagedStream(value)) return;
  if (isReader(value)) {
    enterOnRead(value, enter);
    return;
  }
  const restore = shadow(value, Symbol.asyncIterator, (open) => {
    restore();
    const reader = enter(open) as object;
    if (Object.isExtensible(reader)) enterOnRead(reader, enter);
    return reader;
  });
}

function enterOnRead(reader: object, enter: Enter): void {
  for (const method of ['next', 'return', 'throw']) shadow(reader, method, (call) => enter(call));
}

function isAsyncIterable(value: object): value is AsyncIterable<unknown> {
  return typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function';
}
