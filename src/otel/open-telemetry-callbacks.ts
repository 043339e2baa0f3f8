import type { AgentEndEvent, AgentErrorEvent } from '../events/agent.events.js';
import { type CallbackEvent, Callbacks } from '../events/event-map.js';
import {
  OnAgentEnd,
  OnAgentError,
  OnChainEnd,
  OnChainError,
  OnCustomEvent,
  OnEmbeddingEnd,
  OnEmbeddingError,
  OnLimiterWait,
  OnLlmCache,
  OnLlmEnd,
  OnLlmError,
  OnLlmRetry,
  OnRetrievalEnd,
  OnRetrievalError,
  OnToolEnd,
  OnToolError,
} from '../handlers/decorators.js';
import type { CustomCallbackEvent } from '../events/callback.events.js';
import type { ChainEndEvent, ChainErrorEvent } from '../events/chain.events.js';
import type { EmbeddingEndEvent, EmbeddingErrorEvent } from '../events/embedding.events.js';
import type {
  LlmCacheEvent,
  LlmEndEvent,
  LlmErrorEvent,
  LlmRetryEvent,
} from '../events/llm.events.js';
import type { LimiterWaitEvent } from '../events/limiter.events.js';
import type { RetrievalEndEvent, RetrievalErrorEvent } from '../events/retrieval.events.js';
import type { ToolEndEvent, ToolErrorEvent } from '../events/tool.events.js';
import { BindContext, type ContextBinding, type SpanOwner } from '../runs/bind-context.js';
import { brand } from '../util/brand.js';
import { guarded } from './guard.js';
import { RunEvents } from './log-events.js';
import { addMetricHandlers } from './metric-handlers.js';
import { RunMetrics } from './metrics.js';
import { type OpenTelemetryOptions, toSettings } from './options.js';
import { OpenTelemetryRuns } from './run-telemetry.js';
import { RunSpans } from './spans.js';

/** The clock is stopped before other handlers of the end, and contexts of others are inside of the span. */
const FIRST = { order: Number.MIN_SAFE_INTEGER, contextFree: true };
/** Other handlers of the end can still use the active span. */
const LAST = { order: Number.MAX_SAFE_INTEGER, contextFree: true };

type EndOfRun =
  | LlmEndEvent
  | LlmErrorEvent
  | EmbeddingEndEvent
  | EmbeddingErrorEvent
  | AgentEndEvent
  | AgentErrorEvent
  | ToolEndEvent
  | ToolErrorEvent
  | ChainEndEvent
  | ChainErrorEvent
  | RetrievalEndEvent
  | RetrievalErrorEvent;

/**
 * Emits OpenTelemetry's spans, metrics and events in the semantic conventions for generative AI: a span for each run,
 * which is the active span of the run's work. Without an OpenTelemetry SDK it does nothing. Telemetry that fails breaks
 * no call.
 *
 * Add an instance to any `callbacks` list, or list the class under `providers`.
 *
 * @throws CallbacksConfigurationError for an unknown option, and for an option of the wrong type
 *
 * @example
 * ```ts
 * CallbacksModule.forRoot({ callbacks: [new OpenTelemetryCallbacks({ content: 'spans' })], llm });
 * ```
 */
export class OpenTelemetryCallbacks extends Callbacks implements SpanOwner {
  static {
    brand(this, 'class:OpenTelemetryCallbacks');
  }

  /** Whether the SDK of a provider makes no spans for calls that are runs. */
  readonly replacesSdkSpans: boolean;
  readonly #runs = new OpenTelemetryRuns();
  readonly #spans: RunSpans | undefined;
  readonly #events: RunEvents | undefined;
  readonly #metrics: RunMetrics | undefined;

  // Not @Injectable(): Nest would try to resolve the options, and the mocker of a test would invent some.
  constructor(options: OpenTelemetryOptions = {}) {
    super();
    const settings = toSettings(options);
    this.replacesSdkSpans = settings.traces && settings.sdkSpans === 'suppress';
    this.#spans = settings.traces ? new RunSpans(settings) : undefined;
    this.#events = settings.events ? new RunEvents(settings) : undefined;
    this.#metrics = settings.metrics ? new RunMetrics(settings) : undefined;
    if (this.#metrics !== undefined) addMetricHandlers(this, this.#metrics, this.#runs);
  }

  @BindContext({ order: Number.MIN_SAFE_INTEGER })
  protected bind(event: CallbackEvent): ContextBinding | undefined {
    const run = this.#runs.start(event);
    const binding = guarded(() => this.#spans?.start(run));
    guarded(() => this.#events?.start(run));
    return binding;
  }

  @OnLlmRetry({ contextFree: true })
  @OnLlmCache({ contextFree: true })
  @OnLimiterWait({ contextFree: true })
  @OnCustomEvent(undefined, { contextFree: true })
  protected note(
    event: LlmRetryEvent | LlmCacheEvent | LimiterWaitEvent | CustomCallbackEvent,
  ): void {
    const run = this.#runs.of(event);
    if (run !== undefined) guarded(() => this.#spans?.note(run, event));
  }

  @OnLlmEnd(FIRST)
  @OnLlmError(FIRST)
  @OnEmbeddingEnd(FIRST)
  @OnEmbeddingError(FIRST)
  @OnAgentEnd(FIRST)
  @OnAgentError(FIRST)
  @OnToolEnd(FIRST)
  @OnToolError(FIRST)
  @OnChainEnd(FIRST)
  @OnChainError(FIRST)
  @OnRetrievalEnd(FIRST)
  @OnRetrievalError(FIRST)
  protected stop(event: EndOfRun): void {
    this.#runs.of(event)?.end();
  }

  @OnLlmEnd(LAST)
  @OnLlmError(LAST)
  @OnEmbeddingEnd(LAST)
  @OnEmbeddingError(LAST)
  @OnAgentEnd(LAST)
  @OnAgentError(LAST)
  @OnToolEnd(LAST)
  @OnToolError(LAST)
  @OnChainEnd(LAST)
  @OnChainError(LAST)
  @OnRetrievalEnd(LAST)
  @OnRetrievalError(LAST)
  protected end(event: EndOfRun): void {
    const run = this.#runs.end(event);
    if (run === undefined) return;
    guarded(() => this.#events?.end(run, event));
    guarded(() => this.#spans?.end(run, event));
    guarded(() => this.#metrics?.end(run, event));
  }
}
