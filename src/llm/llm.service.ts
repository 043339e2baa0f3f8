import { Inject, type InjectionToken, Optional } from '@nestjs/common';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { HandlerRegistry } from '../handlers/handler-registry.js';
import { checkLegacy } from '../handlers/metadata.js';
import type { RunContext } from '../runs/request-context.js';
import type { RunFactory } from '../runs/run-factory.js';
import type { Run } from '../runs/run.js';
import { SchemaCache } from '../schema/compile-schema.js';
import type { EmbedResponse, ModelRequest, StructuredResponse } from '../types/llm.js';
import type { MessageInput } from '../types/message.js';
import { brand } from '../util/brand.js';
import { shareToken } from '../util/copies.js';
import { embed, EmbeddingCall, toEmbedRequest } from './call/embedding-call.js';
import { generate, StreamedCall } from './call/execute.js';
import { LlmCall } from './call/llm-call.js';
import { toRequest } from './call/llm-request.js';
import type { LlmRuntime } from './call/model-call.js';
import { checkCallOptions, checkEmbedOptions } from './check-llm-options.js';
import type { LlmClient } from './client.js';
import type { EmbedOptions, LlmCallOptions, LlmStreamOptions } from './llm-options.js';
import { LlmStream } from './llm-stream.js';

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

/** What a client's service is created from. @internal */
interface LlmServiceParts extends LlmRuntime {
  /** Absent if neither `forRoot` nor the feature has an `llm`. */
  readonly client: LlmClient | undefined;
  readonly runs: RunFactory;
  readonly registry: HandlerRegistry;
}

/**
 * Calls a model and emits the events of each call. Inject it for the default client; use `@InjectLlm('name')` for a
 * named client.
 *
 * @example
 * ```ts
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
  static {
    brand(this, 'class:LlmService');
    shareToken(this);
  }

  readonly #parts: LlmServiceParts;
  readonly #schemas = new SchemaCache();

  /** @internal created by `CallbacksModule` */
  constructor(parts: LlmServiceParts) {
    this.#parts = parts;
  }

  /**
   * Requests a complete answer.
   *
   * With a `schema`, `response.object` is the answer as a checked value. An answer that does not match is sent back to
   * the model once, with its issues: a second attempt of the same call, whose usage and cost are added.
   *
   * @param input the prompt, or the conversation so far
   * @throws an error of the `LlmError` tree, `SchemaValidationError` among them, or what a critical handler threw
   * @throws CallbacksConfigurationError for a schema that is wrong or cannot be written as JSON Schema
   *
   * @example
   * ```ts
   * const schema = z.object({ city: z.string(), people: z.int() });
   * const { object } = await llm.generate('The largest city of Japan?', { schema });
   * console.log(object.city);
   * ```
   */
  generate<T = unknown>(
    input: string | readonly MessageInput[],
    options: LlmCallOptions<T> = {},
  ): Promise<StructuredResponse<T>> {
    // The call's schema, which produced the object, has type T.
    return generate(() => this.#open(input, options, false)) as Promise<StructuredResponse<T>>;
  }

  /**
   * Requests a streamed answer. Nothing is sent before the stream is read; its errors are thrown there.
   *
   * With a `schema`, `.partialObjects` reads the answer as a growing value, and `(await stream.response).object` is the
   * checked one. Streamed answers are not repaired; if the value does not match the schema, the stream fails.
   *
   * @param input the prompt, or the conversation so far
   */
  stream<T = unknown>(
    input: string | readonly MessageInput[],
    options: LlmStreamOptions<T> = {},
  ): LlmStream<T> {
    try {
      const call = this.#open(input, options, true);
      return new LlmStream<T>(new StreamedCall(call), call.spec.schema, this.#parts.runs);
    } catch (error) {
      return new LlmStream<T>(error as Error, undefined, this.#parts.runs);
    }
  }

  /**
   * Embeds one or more texts as vectors, with the client's `llm.embeddingModel` or the `model` of the options. More than
   * 2,048 texts, or 300,000 estimated tokens, are sent in several requests of one run. Without texts, nothing is sent.
   *
   * @param input a text, or a list of texts
   * @returns a vector for each text, in the same order
   * @throws an error of the `LlmError` tree, `LlmInvalidRequestError` if the provider does not embed texts, or what a
   * critical handler threw
   * @throws CallbacksConfigurationError if no model is named
   *
   * @example
   * ```ts
   * const { embeddings, cost } = await llm.embed(['printer', 'scanner'], { dimensions: 256 });
   * console.log(embeddings.length, cost);
   * ```
   */
  embed(input: string | readonly string[], options: EmbedOptions = {}): Promise<EmbedResponse> {
    return embed(() => this.#openEmbedding(input, options));
  }

  #openEmbedding(input: string | readonly string[], options: EmbedOptions): EmbeddingCall {
    const client = this.#client;
    checkEmbedOptions(options);
    const request = toEmbedRequest(input, options, client);
    const run = this.#newRun(client, request, options);
    return new EmbeddingCall(run, { client, request, options, streaming: false }, this.#parts);
  }

  #open(
    input: string | readonly MessageInput[],
    options: LlmStreamOptions,
    streaming: boolean,
  ): LlmCall {
    const client = this.#client;
    checkCallOptions(options);
    const schema =
      options.schema === undefined
        ? undefined
        : this.#schemas.compileAnswer(options.schema, 'the call (`schema`)');
    const request = toRequest(input, options, client.model, schema);
    const run = this.#newRun(client, request, options);
    return new LlmCall(run, { client, request, options, streaming, schema }, this.#parts);
  }

  get #client(): LlmClient {
    const { client } = this.#parts;
    if (client !== undefined) return client;
    throw new CallbacksConfigurationError(
      'This client has no model: give `llm: { provider, model }` to CallbacksModule.forRoot() or to its forFeature().',
    );
  }

  #newRun(
    client: LlmClient,
    { model }: ModelRequest,
    options: RunContext & Pick<LlmCallOptions, 'callbacks'>,
  ): Run {
    const { runs, registry } = this.#parts;
    const { callbacks } = options;
    if (callbacks) registry.checkObjects(callbacks, 'call');
    return runs.create({ client, callbacks, context: options, provider: client.label, model });
  }
}
