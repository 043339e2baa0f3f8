import { optionNames } from '../util/known-options.js';
import { runMethod, type RunDecorator, type RunMethodOptions } from './run-method.js';

/** Options of `@Retrieval()`. */
export interface RetrievalOptions extends RunMethodOptions {
  /** What is searched: an index, a table … */
  source?: string;
}

const RETRIEVAL_OPTIONS = optionNames<RetrievalOptions>({ source: true, async: true });

/**
 * Runs a method as a retrieval: `@OnRetrievalStart()`, `@OnRetrievalEnd()` and `@OnRetrievalError()` handle its events,
 * and all runs inside are nested under it. `query` is its first argument; `documents` is the whole returned value.
 *
 * The rules of {@link Chain} apply: scopes, order of decorators, critical handlers, streams, plain instances.
 *
 * @param source what is searched (an index, a table …), or {@link RetrievalOptions}
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
