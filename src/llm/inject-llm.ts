import { Inject, Optional, type InjectionToken } from '@nestjs/common';
import { checkLegacy } from '../handlers/methods-of.js';
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
 * Injects the `LlmService` of a named client. The application does not start where there is no client of that name, and the
 * error says which there are.
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
    // The start of the application checks it, with an error that knows the names that there are.
    if (typeof token === 'symbol') optional(target, key, index);
  };
}

type PlaceDecorator = (target: object | undefined, key: unknown, index: unknown) => void;
