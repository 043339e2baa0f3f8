import type { LlmChunk, LlmRequest, ProviderResult, ServerAddress } from '../../../types/llm.js';
import { promised } from '../../../util/promises.js';
import type { ClientOptions, ClientServer } from '../../client.js';
import type {
  LlmProvider,
  LlmProviderCapabilities,
  LlmProviderContext,
} from '../../llm-provider.js';
import { DecodedStream, decodeWhole, type AnswerDecoder } from './decoded-stream.js';
import { SchemaForms, type EncodeHints } from './schema-forms.js';
import { toLlmError } from './map-error.js';
import { SdkTransport, toWholeAnswer, type Sdk, type SdkRequestOptions } from './sdk-transport.js';

/** What both SDKs can do. */
const CAPABILITIES: LlmProviderCapabilities = {
  usage: 'server',
  tools: true,
  schema: true,
  images: true,
  reasoning: true,
};

/** A provider that uses an official SDK; subclasses implement the wire formats. */
export abstract class SdkProvider<Client> implements LlmProvider {
  abstract readonly name: 'openai' | 'anthropic';
  readonly capabilities: LlmProviderCapabilities;
  protected abstract readonly sdk: Sdk<Client>;
  readonly #transport: SdkTransport<Client>;
  readonly #schemaForms = new SchemaForms();

  constructor(protected readonly options: ClientOptions) {
    this.#transport = new SdkTransport(options, () => this.sdk);
    const { contextFree } = this.#transport;
    this.capabilities = { contextFree, ...CAPABILITIES };
  }

  protected abstract encode(request: LlmRequest, streaming: boolean, hints: EncodeHints): object;
  protected abstract newDecoder(request: LlmRequest, context: LlmProviderContext): AnswerDecoder;

  /** Its name in errors. */
  protected get label(): string {
    return this.options.label ?? this.name;
  }

  /** The server that is called, with its host if it is not the provider's own; `undefined` for a mocked client. */
  get sdkServer(): ClientServer | undefined {
    return this.#transport.server;
  }

  get server(): ServerAddress | undefined {
    return this.sdkServer?.address;
  }

  prepare(): Promise<void> {
    return this.#transport.prepare();
  }

  generate(request: LlmRequest, context: LlmProviderContext): Promise<ProviderResult> {
    const hints = this.#hintsFor(request);
    // Not awaited: an SDK's own promise sends the request in its `then`, without a wrapper.
    return promised(() => this.#transport.ask(this.encode(request, false, hints), context)).then(
      (answer) => this.#decode(answer, request, context),
      (thrown: unknown) => {
        this.#checkForm(request, context, hints, thrown);
        return this.generate(request, context);
      },
    );
  }

  stream(
    request: LlmRequest,
    context: LlmProviderContext,
  ): AsyncIterable<LlmChunk | ProviderResult> {
    const decoder = this.newDecoder(request, context);
    const open = (hints: EncodeHints) =>
      this.#transport.open(this.encode(request, true, hints), context, decoder.varying);
    const openInForm = () => {
      const hints = this.#hintsFor(request);
      if (request.schema === undefined) return open(hints);
      return promised(() => open(hints)).catch((thrown: unknown) => {
        this.#checkForm(request, context, hints, thrown);
        return open(this.#hintsFor(request));
      });
    };
    return new DecodedStream(this.label, openInForm, decoder);
  }

  #hintsFor(request: LlmRequest): EncodeHints {
    return { schemaForm: this.#schemaForms.of(request) };
  }

  /** Returns if a failed request is to be sent again with its schema as an instruction; else throws its error. */
  #checkForm(
    request: LlmRequest,
    { onRetry }: LlmProviderContext,
    { schemaForm }: EncodeHints,
    thrown: unknown,
  ): void {
    const error = toLlmError(this.label, thrown);
    if (!this.#schemaForms.failed(request, schemaForm, thrown)) throw error;
    onRetry({ error, delayMs: 0 });
  }

  #decode(answer: unknown, request: LlmRequest, context: LlmProviderContext): ProviderResult {
    const whole = toWholeAnswer(this.label, answer);
    return decodeWhole(this.label, this.newDecoder(request, context), whole);
  }

  /** Sends a request of another kind than a chat; rejects with an error of this package. */
  protected async answerOf(
    context: LlmProviderContext,
    send: (client: Client, options: SdkRequestOptions) => PromiseLike<unknown>,
  ): Promise<object> {
    try {
      return toWholeAnswer(this.label, await this.#transport.call(context, send));
    } catch (thrown) {
      throw toLlmError(this.label, thrown);
    }
  }
}
