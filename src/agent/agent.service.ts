import { brand } from '../util/brand.js';
import { shareToken } from '../util/copies.js';
import { Agent, type AgentParts } from './agent.js';
import type { AgentOptions } from './agent-options.js';

/**
 * The agent of a client, and a factory of others that ask the same model. Inject it for the default client;
 * `@InjectAgent('name')` for that of a feature.
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

  /** @internal made by `CallbacksModule` */
  constructor(parts: AgentParts, options?: AgentOptions) {
    super(parts, options);
    this.#parts = parts;
  }

  /**
   * An agent with options of its own; those of `forRoot({ agent })` or the feature's are not taken over.
   *
   * @throws CallbacksConfigurationError for options that make no sense; unknown tools show when it first runs
   */
  create(options: AgentOptions = {}): Agent {
    return new Agent(this.#parts, options);
  }
}
