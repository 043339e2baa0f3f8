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

/** Creates the decorator for one kind of run. */
export function interceptor<C, N>(name: string, kind: InterceptedKind): Interceptor<C, N> {
  return (options = {}) =>
    (target: object, key: string | symbol, descriptor: PropertyDescriptor) =>
      addHandlerMetadata(
        name,
        { selector: interceptorSelector(kind), options },
        target,
        key,
        descriptor,
      );
}
