import { optionNames } from '../util/known-options.js';
import { runMethod, type RunDecorator, type RunMethodOptions } from './run-method.js';

/** Options of `@Retrieval()`. */
export interface RetrievalOptions extends RunMethodOptions {
  /** Where documents are looked for: an index, a table … */
  source?: string;
}

const RETRIEVAL_OPTIONS = optionNames<RetrievalOptions>({ source: true, async: true });

/**
 * Runs a method as a retrieval: it is heard by `@OnRetrievalStart()`, `@OnRetrievalEnd()` and `@OnRetrievalError()`, and
 * what is called inside is nested under it. `query` is its first argument; `documents` is what it returned, whole.
 *
 * All that is said of {@link Chain} holds: scopes, order of decorators, critical handlers, streams, plain instances.
 *
 * @param source where documents are looked for (an index, a table …), or {@link RetrievalOptions}
 * @throws CallbacksConfigurationError on anything but an instance method with a string name
 *
 * @example
 * ```ts
 * class Help { @Retrieval('help-texts') async search(query: string): Promise<HelpText[]> {
 *   return this.index.nearest(await this.embed(query), 5);
 * } }
 * ```
 */
export function Retrieval(source?: string | RetrievalOptions): RunDecorator {
  const options = typeof source === 'string' || source === undefined ? { source } : source;
  return runMethod(
    'Retrieval',
    options as RetrievalOptions,
    RETRIEVAL_OPTIONS,
    (_owner, _method, [query]) => ({ kind: 'retrieval', query, source: options.source }),
  );
}
