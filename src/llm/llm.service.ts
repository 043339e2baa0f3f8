import { CallbacksConfigurationError } from '../errors/index.js';
import type { HandlerRegistry } from '../registry/index.js';
import type { RunFactory } from '../run/index.js';
import type { LlmResponse, Message, ProviderResult } from '../shapes/index.js';
import type { LlmRuntime } from './call-spec.js';
import { LlmCall } from './llm-call.js';
import type { LlmClient } from './llm-client.js';
import type { LlmCallOptions, LlmStreamOptions } from './llm-options.js';
import { toRequest } from './llm-request.js';
import { LlmStream } from './llm-stream.js';
import { checkResult } from './provider-result.js';

/** What a client's service is made of. @internal */
export interface LlmServiceParts extends LlmRuntime {
  /** Missing where neither `forRoot` nor the feature has an `llm`. */
  readonly client: LlmClient | undefined;
  readonly runs: RunFactory;
  readonly registry: HandlerRegistry;
}

/**
 * Calls a model, and lets callbacks hear it. Inject it for the default client; `@InjectLlm('name')` for a named one.
 *
 * @example
 * ```ts
 * @Injectable()
 * class Greeter {
 *   constructor(private readonly llm: LlmService) {}
 *   async greet(name: string) {
 *     const { text, cost } = await this.llm.generate(`Greet ${name}`, { maxOutputTokens: 100 });
 *     return text;
 *   }
 * }
 * ```
 */
export class LlmService {
  readonly #parts: LlmServiceParts;

  /** @internal made by `CallbacksModule` */
  constructor(parts: LlmServiceParts) {
    this.#parts = parts;
  }

  /**
   * Asks for a whole answer.
   *
   * @param input the prompt, or the conversation so far
   * @throws an error of the `LlmError` tree, or what a critical handler threw
   */
  async generate(
    input: string | readonly Message[],
    options: LlmCallOptions = {},
  ): Promise<LlmResponse> {
    const call = this.#open(input, options, false);
    try {
      const beginning = call.begin();
      if (beginning !== undefined) await beginning;
    } catch (error) {
      throw await call.fail(error);
    }
    const { client, request } = call.spec;
    let result: ProviderResult;
    try {
      const answering = call.run.inside(() => client.provider.generate(request, call.context));
      result = checkResult(call.spec, await call.run.orAborted(Promise.resolve(answering)));
    } catch (error) {
      throw await call.fail(call.providerError(error));
    }
    return await call.succeed(result);
  }

  /**
   * Asks for an answer piece by piece. Nothing happens before the stream is read; its errors show there.
   *
   * @param input the prompt, or the conversation so far
   */
  stream(input: string | readonly Message[], options: LlmStreamOptions = {}): LlmStream {
    try {
      return new LlmStream(this.#open(input, options, true));
    } catch (error) {
      return new LlmStream(error as Error);
    }
  }

  #open(
    input: string | readonly Message[],
    options: LlmStreamOptions,
    streaming: boolean,
  ): LlmCall {
    const { client, runs, registry } = this.#parts;
    if (client === undefined) {
      throw new CallbacksConfigurationError(
        'This client has no model: give `llm: { provider, model }` to CallbacksModule.forRoot() or to its forFeature().',
      );
    }
    const request = toRequest(input, options, client.model);
    if (options.callbacks) registry.checkObjects(options.callbacks);
    const run = runs.create({
      client,
      callbacks: options.callbacks,
      context: options,
      provider: client.label,
      model: request.model,
    });
    return new LlmCall(run, { client, request, options, streaming }, this.#parts);
  }
}
