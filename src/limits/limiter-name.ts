import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { nearestName, stableName, type Named } from '../util/stable-name.js';
import type { LimiterOptions } from './limiter-options.js';

/**
 * Returns the name of a limiter, by which its store identifies its counters.
 *
 * @param type the class of the limiter
 * @throws CallbacksConfigurationError if a store is given, and the name of the class is not the same in every build
 */
export function limiterName({ name, store }: LimiterOptions, type: Named): string {
  const found = name ?? stableName(type);
  if (found !== undefined) return found;
  if (store === undefined) return nearestName(type);
  const which =
    type.name === ''
      ? 'which has no name'
      : `whose name "${type.name}" is not the same in every build`;
  throw new CallbacksConfigurationError(
    `Options of a limiter: name is missing. Its store counts by the name of the limiter, and it is of a class ${which}. Give it one: { name: 'user-budget', store }.`,
  );
}
