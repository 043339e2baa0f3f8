import { Inject, type InjectionToken } from '@nestjs/common';
import { AgentService } from './agent.service.js';

/** The token of a client's `AgentService`, for tests and factories: the class itself for the default client. */
export function getAgentToken(name?: string): InjectionToken<AgentService> {
  return name === undefined || name === 'default'
    ? AgentService
    : Symbol.for(`nestjs-llm-callbacks:agent:${name}`);
}

/**
 * Injects the `AgentService` of a named client.
 *
 * @example
 * ```ts
 * constructor(@InjectAgent('support') private readonly agent: AgentService) {}
 * ```
 */
export function InjectAgent(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getAgentToken(name));
}
