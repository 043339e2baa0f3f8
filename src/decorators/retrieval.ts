import { runMethod, type RunDecorator } from './run-method.js';

/**
 * Runs a method as a retrieval: it is heard by `@OnRetrievalStart()`, `@OnRetrievalEnd()` and `@OnRetrievalError()`, and
 * what is called inside is nested under it. `query` is its first argument; `documents` is what it returned, whole.
 *
 * All that is said of {@link Chain} holds: scopes, order of decorators, critical handlers, streams, plain instances.
 *
 * @param source where documents are looked for: an index, a table …
 * @throws CallbacksConfigurationError on anything but an instance method with a string name
 *
 * @example
 * ```ts
 * @Retrieval('help-texts')
 * async search(query: string): Promise<HelpText[]> {
 *   return this.index.nearest(await this.embed(query), 5);
 * }
 * ```
 */
export function Retrieval(source?: string): RunDecorator {
  return runMethod('Retrieval', (_owner, _method, [query]) => ({
    kind: 'retrieval',
    query,
    source,
  }));
}
