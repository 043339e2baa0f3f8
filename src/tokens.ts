/** Marks the module of `forRoot`; holds the default client. */
export const ROOT_CLIENT = Symbol.for('nestjs-llm-callbacks:root-client');

/** The options of `forRoot`. */
export const ROOT_OPTIONS = Symbol.for('nestjs-llm-callbacks:options');

/** The options of a feature. */
export function featureOptionsToken(name: string): symbol {
  return Symbol.for(`nestjs-llm-callbacks:feature:${name}`);
}
