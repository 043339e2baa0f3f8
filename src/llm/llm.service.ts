import { Inject, type InjectionToken, Optional } from '@nestjs/common';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { HandlerRegistry } from '../handlers/handler-registry.js';
import { checkLegacy } from '../handlers/metadata.js';
import type { RunFactory } from '../runs/run-factory.js';
import { SchemaCache } from '../schema/compile-schema.js';
import type { StructuredResponse } from '../types/llm.js';
import type { MessageInput } from '../types/message.js';
import { brand } from '../util/brand.js';
import { shareToken } from '../util/copies.js';
import { generate, StreamedCall } from './call/execute.js';
import { LlmCall } from './call/llm-call.js';
import { toRequest } from './call/llm-request.js';
import type { LlmRuntime } from './call/model-call.js';
import { checkCallOptions } from './check-llm-options.js';
import type { LlmClient } from './client.js';
import type { LlmCallOptions, LlmStreamOptions } from './llm-options.js';
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

  #open(
    input: string | readonly MessageInput[],
    options: LlmStreamOptions,
    streaming: boolean,
  ): LlmCall {
    const { client, runs, registry } = this.#parts;
    if (client === undefined) {
      throw new CallbacksConfigurationError(
        'This client has no model: give `llm: { provider, model }` to CallbacksModule.forRoot() or to its forFeature().',
      );
    }
    checkCallOptions(options);
    const schema =
      options.schema === undefined
        ? undefined
        : this.#schemas.compileAnswer(options.schema, 'the call (`schema`)');
    const request = toRequest(input, options, client.model, schema);
    if (options.callbacks) registry.checkObjects(options.callbacks, 'call');
    const run = runs.create({
      client,
      callbacks: options.callbacks,
      context: options,
      provider: client.label,
      model: request.model,
    });
    return new LlmCall(run, { client, request, options, streaming, schema }, this.#parts);
  }
}
