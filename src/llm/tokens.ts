import { Inject, type InjectionToken } from '@nestjs/common';
import { LlmService } from './llm.service.js';

/**
 * The token of a client's `LlmService`, for tests and factories: the class itself for the default client.
 *
 * @example
 * ```ts
 * Test.createTestingModule({ imports: [AppModule] }).overrideProvider(getLlmToken('support')).useValue(fake);
 * ```
 */
export function getLlmToken(name?: string): InjectionToken<LlmService> {
  return name === undefined || name === 'default'
    ? LlmService
    : Symbol.for(`nestjs-llm-callbacks:llm:${name}`);
}

/**
 * Injects the `LlmService` of a named client.
 *
 * @example
 * ```ts
 * constructor(@InjectLlm('support') private readonly llm: LlmService) {}
 * ```
 */
export function InjectLlm(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getLlmToken(name));
}
