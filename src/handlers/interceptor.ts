import type { ComposedDecorator } from './decorators.js';
import { type InterceptedKind, type InterceptorOptions, interceptorSelector } from './handler.js';
import { addHandlerMetadata } from './metadata.js';

/** Decorates a method that takes the call and `next`. */
export interface InterceptorDecorator<C, N> extends ComposedDecorator {
  <M extends (call: C, next: N) => unknown>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void;
}

/** Creates an {@link InterceptorDecorator}. */
export type Interceptor<C, N> = (options?: InterceptorOptions<C>) => InterceptorDecorator<C, N>;

/** Creates the decorator for one or several kinds of runs. */
export function interceptor<C, N>(
  name: string,
  ...kinds: readonly InterceptedKind[]
): Interceptor<C, N> {
  return (options = {}) =>
    (target: object, key: string | symbol, descriptor: PropertyDescriptor) => {
      for (const kind of kinds) {
        const selector = interceptorSelector(kind);
        addHandlerMetadata(name, { selector, options }, target, key, descriptor);
      }
    };
}
