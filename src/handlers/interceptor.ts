import type { ComposedDecorator } from './composed.js';
import { addHook } from './hook-metadata.js';
import type { InterceptedKind, InterceptorOptions } from './hook-selector.js';

/** Goes on a method that takes the call and `next`. */
export interface InterceptorDecorator<C, N> extends ComposedDecorator {
  <M extends (call: C, next: N) => unknown>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void;
}

/** Makes an {@link InterceptorDecorator}. */
export type Interceptor<C, N> = (options?: InterceptorOptions<C>) => InterceptorDecorator<C, N>;

/** The decorator of one kind. */
export function interceptor<C, N>(name: string, kind: InterceptedKind): Interceptor<C, N> {
  return (options = {}) =>
    (target: object, key: string | symbol, descriptor: PropertyDescriptor) =>
      addHook(name, { selector: `intercept.${kind}`, options }, target, key, descriptor);
}
