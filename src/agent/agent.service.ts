import { brand } from '../util/brand.js';
import { shareToken } from '../util/copies.js';
import { Agent, type AgentParts } from './agent.js';
import type { AgentOptions } from './agent-options.js';

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
