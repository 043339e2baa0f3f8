/** A `this` that no call has: the signature for it is never checked against a method. */
declare class Composing {
  private readonly composing: never;
}

/**
 * The second signature of a method decorator, which Nest's `applyDecorators()` accepts. A method is always checked by
 * the decorator's own signature, because this one never applies to a method.
 */
export interface ComposedDecorator {
  <T>(
    this: Composing,
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<T>,
  ): void;
}
