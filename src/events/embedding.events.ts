import type { Attempt, EmbedResponse, LlmEstimate, ServerAddress } from '../types/llm.js';
import type { Usage } from '../types/usage.js';
import { brand } from '../util/brand.js';
import { RunEvent, type RunInfo } from './event.js';
import { type CalledServer, ModelTerminalEvent, unknownServer } from './llm.events.js';

/** Texts are about to be embedded. Handled by `@OnEmbeddingStart()`. */
export class EmbeddingStartEvent extends RunEvent {
  static {
    brand(this, 'class:EmbeddingStartEvent');
  }

  readonly type = 'embedding.start';
  /** The texts. */
  readonly input: readonly string[];
  /** The requested length of the vectors. */
  readonly dimensions: number | undefined;
  readonly #estimate: () => LlmEstimate;
  readonly #server: () => CalledServer | undefined;

  constructor(
    run: RunInfo,
    call: {
      input: readonly string[];
      dimensions?: number | undefined;
      estimate: () => LlmEstimate;
      server?: () => CalledServer | undefined;
    },
  ) {
    super(run);
    this.input = call.input;
    this.dimensions = call.dimensions;
    this.#estimate = call.estimate;
    this.#server = call.server ?? unknownServer;
  }

  /** The upper bound of the call's usage; computed on access. */
  get estimate(): LlmEstimate {
    return this.#estimate();
  }
  /** The server that is about to be called, if it is known; never with credentials, and without a path. */
  get server(): ServerAddress | undefined {
    return this.#server()?.address;
  }
  /**
   * Whether the SDK that is called makes an OpenTelemetry span of its own for the call, unless a
   * {@link SpanOwner} replaces it.
   */
  get tracedBySdk(): true | undefined {
    return this.#server()?.isTracedBySdk || undefined;
  }

  protected fields(): readonly string[] {
    return ['input', 'dimensions', 'estimate', 'server', 'tracedBySdk'];
  }
}

/** Texts were embedded. Handled by `@OnEmbeddingEnd()`. */
export class EmbeddingEndEvent extends ModelTerminalEvent {
  static {
    brand(this, 'class:EmbeddingEndEvent');
  }

  readonly type = 'embedding.end';

  constructor(
    run: RunInfo,
    /** The result. The event's JSON leaves its `embeddings` out, and so has an event that is revived from it. */
    readonly response: EmbedResponse,
    sent?: ConstructorParameters<typeof ModelTerminalEvent>[1],
  ) {
    super(run, sent);
  }

  get usage(): Usage {
    return this.response.usage;
  }
  /** `usage.totalTokens`. */
  get tokenCount(): number {
    return this.response.usage.totalTokens;
  }
  /** US dollars; `null` if the price is unknown. */
  get cost(): number | null {
    return this.response.cost;
  }
  /** Milliseconds, without the start handlers. */
  get durationMs(): number {
    return this.response.durationMs;
  }
  get attempts(): readonly Attempt[] {
    return this.response.attempts;
  }
  /** Milliseconds for which limiters made the call wait, not part of `durationMs`; absent if none did. */
  get limiterWaitMs(): number | undefined {
    return this.response.limiterWaitMs;
  }
  /** The number of vectors. */
  get count(): number {
    return this.response.embeddings.length;
  }
  /** The length of the vectors; 0 without texts. */
  get dimensions(): number {
    return this.response.dimensions;
  }

  protected fields(): readonly string[] {
    return [
      'response',
      'usage',
      'tokenCount',
      'cost',
      'durationMs',
      'limiterWaitMs',
      'attempts',
      'count',
      'dimensions',
    ];
  }

  protected override jsonValue(name: string): unknown {
    if (name !== 'response') return super.jsonValue(name);
    const { embeddings: _, ...rest } = Object(this.response) as EmbedResponse;
    return rest;
  }
}

/** Embedding texts failed or was aborted. Handled by `@OnEmbeddingError()`. */
export class EmbeddingErrorEvent extends ModelTerminalEvent {
  static {
    brand(this, 'class:EmbeddingErrorEvent');
  }

  readonly type = 'embedding.error';
  /** The error that the caller receives. */
  readonly error: Error;
  /** Tokens used by then. */
  readonly usage: Usage;
  /** US dollars spent by then; `null` if the price is unknown. */
  readonly cost: number | null;
  /** Whether the run was aborted rather than failed. */
  readonly aborted: boolean;
  /** Milliseconds, without the start handlers. */
  readonly durationMs: number;
  readonly attempts: readonly Attempt[];
  /** Milliseconds for which limiters made the call wait, not part of `durationMs`; absent if none did. */
  readonly limiterWaitMs: number | undefined;

  constructor(
    run: RunInfo,
    failure: Pick<
      EmbeddingErrorEvent,
      'error' | 'usage' | 'cost' | 'aborted' | 'durationMs' | 'attempts'
    > & { readonly limiterWaitMs?: number | undefined },
    sent?: ConstructorParameters<typeof ModelTerminalEvent>[1],
  ) {
    super(run, sent);
    this.error = failure.error;
    this.usage = failure.usage;
    this.cost = failure.cost;
    this.aborted = failure.aborted;
    this.durationMs = failure.durationMs;
    this.attempts = failure.attempts;
    this.limiterWaitMs = failure.limiterWaitMs;
  }

  protected fields(): readonly string[] {
    return ['error', 'usage', 'cost', 'aborted', 'durationMs', 'limiterWaitMs', 'attempts'];
  }
}
