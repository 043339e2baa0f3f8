import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { decoratedMethods } from '../handlers/hook-metadata.js';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { prototypeOf } from './factories.js';

/**
 * Rejects an interceptor of LLM calls, tools or agents that was passed to Nest as a request interceptor, with
 * `@UseInterceptors()` or `APP_INTERCEPTOR`: the two share only the name of their method.
 */
export function refuseAsEnhancer(wrapper: InstanceWrapper): void {
  if (wrapper.subtype !== 'interceptor') return;
  const prototype = instancePrototype(wrapper) ?? prototypeOf(wrapper);
  if (prototype === undefined) return;
  const isOurs = decoratedMethods(prototype).some(
    ([method, hooks]) =>
      method === 'intercept' && hooks.some(({ selector }) => selector.startsWith('intercept.')),
  );
  if (!isOurs) return;
  const { name } = prototype.constructor;
  throw new CallbacksConfigurationError(
    `${name} intercepts LLM calls, tools or agents, not requests, so that it can be neither in @UseInterceptors() nor APP_INTERCEPTOR: list it under "providers", or give an instance in a list of callbacks. If Nest's interceptor of that name was meant, import it from its own package.`,
  );
}

function instancePrototype({ instance }: InstanceWrapper): object | undefined {
  if (typeof instance !== 'object' || instance === null) return undefined;
  return Object.getPrototypeOf(instance) as object | undefined;
}
