import { Inject, type InjectionToken, Optional } from '@nestjs/common';
import { checkLegacy } from '../handlers/metadata.js';
import { brand } from '../util/brand.js';
import { shareToken } from '../util/copies.js';
import type { AgentOptions } from './agent-options.js';
import { Agent, type AgentParts } from './agent.js';

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

/**
 * The agent of a client, and a factory of other agents with the same client. Inject it for the default client; use
 * `@InjectAgent('name')` for a feature's client.
 *
 * @example
 * ```ts
 * class Desk {
 *   constructor(@InjectAgent('support') private readonly agent: AgentService) {}
 *   answer(question: string, userId: string) {
 *     return this.agent.run(question, { userId });
 *   }
 * }
 * ```
 */
export class AgentService extends Agent {
  static {
    brand(this, 'class:AgentService');
    shareToken(this);
  }

  readonly #parts: AgentParts;

  /** @internal created by `CallbacksModule` */
  constructor(parts: AgentParts, options?: AgentOptions) {
    super(parts, options);
    this.#parts = parts;
  }

  /**
   * Creates an agent with its own options; it does not inherit the options of `forRoot({ agent })` or of the feature.
   *
   * @throws CallbacksConfigurationError for invalid options; unknown tools fail on the first run
   */
  create(options: AgentOptions = {}): Agent {
    return new Agent(this.#parts, options);
  }
}
