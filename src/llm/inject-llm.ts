import { Inject, Optional, type InjectionToken } from '@nestjs/common';
import { checkLegacy } from '../handlers/methods-of.js';
import { LlmService } from './llm.service.js';

/**
 * The injection token of a client's `LlmService`, for tests and factories: the class itself for the default client.
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
 * Injects the `LlmService` of a named client. If no client has that name, the application does not start, and the error
 * lists the names that exist.
 *
 * @example
 * ```ts
 * constructor(@InjectLlm('support') private readonly llm: LlmService) {}
 * ```
 */
export function InjectLlm(name?: string): PropertyDecorator & ParameterDecorator {
  const token = getLlmToken(name);
  const inject = Inject(token) as PlaceDecorator;
  const optional = Optional() as PlaceDecorator;
  return (target: object | undefined, key?: string | symbol, index?: number): void => {
    checkLegacy('@InjectLlm()', key);
    inject(target, key, index);
    // The application checks the token at start-up, with an error that lists the existing names.
    if (typeof token === 'symbol') optional(target, key, index);
  };
}

type PlaceDecorator = (target: object | undefined, key: unknown, index: unknown) => void;
