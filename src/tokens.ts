/** Marks the module of `forRoot`; holds the default client. */
export const ROOT_CLIENT = Symbol.for('nestjs-llm-callbacks:root-client');

/** The options of `forRoot`. */
export const ROOT_OPTIONS = Symbol.for('nestjs-llm-callbacks:options');

const FEATURE = 'nestjs-llm-callbacks:feature:';

/** The options of a feature. */
export function featureOptionsToken(name: string): symbol {
  return Symbol.for(`${FEATURE}${name}`);
}

/** The name of the feature whose options a token holds. */
export function featureOfToken(token: unknown): string | undefined {
  const { description } = Object(token) as { description?: unknown };
  if (typeof token !== 'symbol' || typeof description !== 'string') return undefined;
  return description.startsWith(FEATURE) ? description.slice(FEATURE.length) : undefined;
}
