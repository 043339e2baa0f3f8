import { Inject, Optional, type InjectionToken } from '@nestjs/common';
import { checkLegacy } from '../handlers/methods-of.js';
import { AgentService } from './agent.service.js';

/** The token of a client's `AgentService`, for tests and factories: the class itself for the default client. */
export function getAgentToken(name?: string): InjectionToken<AgentService> {
  return name === undefined || name === 'default'
    ? AgentService
    : Symbol.for(`nestjs-llm-callbacks:agent:${name}`);
}

/**
 * Injects the `AgentService` of a named client. If there is no client with that name, the application does not start,
 * and the error lists the existing names.
 *
 * @example
 * ```ts
 * constructor(@InjectAgent('support') private readonly agent: AgentService) {}
 * ```
 */
export function InjectAgent(name?: string): PropertyDecorator & ParameterDecorator {
  const token = getAgentToken(name);
  const inject = Inject(token) as PlaceDecorator;
  const optional = Optional() as PlaceDecorator;
  return (target: object | undefined, key?: string | symbol, index?: number): void => {
    checkLegacy('@InjectAgent()', key);
    inject(target, key, index);
    // The application checks it at start-up, with an error that lists the existing names.
    if (typeof token === 'symbol') optional(target, key, index);
  };
}

type PlaceDecorator = (target: object | undefined, key: unknown, index: unknown) => void;
