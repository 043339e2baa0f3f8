/** Where a decorator is no longer checked against a method: no call has such a `this`. */
declare class Composing {
  private readonly composing: never;
}

/**
 * What a decorator of a method is besides its own signature: one that `applyDecorators()` of Nest takes. A method is
 * always checked by the decorator's own signature, because this one is never applicable to a method.
 */
export interface ComposedDecorator {
  <T>(
    this: Composing,
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<T>,
  ): void;
}
