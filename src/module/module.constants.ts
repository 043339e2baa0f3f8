/** Marks the module of `forRoot`; holds the default client. */
export const ROOT_CLIENT = Symbol.for('nestjs-llm-callbacks:root-client');

/**
 * The token of the options of `forRoot()` or `forRootAsync()`: to inject them, or to override them in a test.
 *
 * @example
 * ```ts
 * Test.createTestingModule({ imports: [AppModule] }).overrideProvider(CALLBACKS_OPTIONS).useValue({ llm });
 * ```
 */
export const CALLBACKS_OPTIONS: unique symbol = Symbol.for('nestjs-llm-callbacks:options');

const FEATURE = 'nestjs-llm-callbacks:feature:';

/** The token of the options of a feature, like {@link CALLBACKS_OPTIONS} for `forRoot`. */
export function getFeatureOptionsToken(name: string): symbol {
  return Symbol.for(`${FEATURE}${name}`);
}

/** The name of the feature whose options a token holds. */
export function featureOfToken(token: unknown): string | undefined {
  const { description } = Object(token) as { description?: unknown };
  if (typeof token !== 'symbol' || typeof description !== 'string') return undefined;
  return description.startsWith(FEATURE) ? description.slice(FEATURE.length) : undefined;
}
