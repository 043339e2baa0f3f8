import { type Attributes, createNoopMeter, metrics } from '@opentelemetry/api';
import type { AgentEndEvent, AgentErrorEvent } from '../events/agent.events.js';
import type { CallbackEndEvent, CallbackErrorEvent } from '../events/callback.events.js';
import type { CallbackEvent } from '../events/event-map.js';
import type { LimiterWaitEvent } from '../events/limiter.events.js';
import type { ToolEndEvent, ToolErrorEvent } from '../events/tool.events.js';
import { errorType, isDenied } from './end-attributes.js';
import { CallMetrics } from './call-metrics.js';
import { Instruments } from './instruments.js';
import { MetricAttributes } from './metric-attributes.js';
import { ATTR, OPERATIONS, OWN_ATTR, SCHEMA_URL, SCOPE_NAME, SCOPE_VERSION } from './names.js';
import type { Settings } from './options.js';
import { providerName } from './attributes.js';
import type { RunTelemetry } from './run-telemetry.js';
import { seconds } from './values.js';

/** The meter of applications without an SDK. */
const NOOP_METER = createNoopMeter().constructor;

/** Records the metrics of runs, of limiters and of handlers. */
export class RunMetrics {
  readonly #attributes = new MetricAttributes();
  readonly #calls = new CallMetrics(this.#attributes);
  #provider: unknown;
  #instruments: Instruments | undefined;

  constructor(private readonly settings: Settings) {}

  /** Whether something receives metrics: an SDK is registered, or its provider was given. */
  get isOn(): boolean {
    return this.#current !== undefined;
  }

  /** Created when they are first needed: an SDK may be registered after this object was made. */
  get #current(): Instruments | undefined {
    const { meterProvider = metrics.getMeterProvider(), semconv } = this.settings;
    if (meterProvider === this.#provider) return this.#instruments;
    this.#provider = meterProvider;
    const options = semconv === 'v1.41' ? { schemaUrl: SCHEMA_URL } : undefined;
    const meter = meterProvider.getMeter(SCOPE_NAME, SCOPE_VERSION, options);
    this.#instruments =
      meter.constructor === NOOP_METER ? undefined : new Instruments(meter, semconv);
    return this.#instruments;
  }

  /** Records a chunk of a stream: the time since the previous one. */
  chunk(run: RunTelemetry): void {
    const now = performance.now();
    const { lastChunkAt } = run;
    run.lastChunkAt = now;
    if (lastChunkAt === undefined) return;
    const attributes = run.metricAttributes ?? this.#attributes.ofCall(run);
    this.#current?.record('timePerOutputChunk', (now - lastChunkAt) / 1_000, attributes);
  }

  /** Records a run that has ended. */
  end(run: RunTelemetry, event: CallbackEvent): void {
    const instruments = this.#current;
    if (instruments === undefined) return;
    const record: Instruments['record'] = (...what) => instruments.record(...what);
    switch (event.type) {
      case 'llm.end':
      case 'llm.error':
        this.#calls.inference(run, event, record);
        return;
      case 'embedding.end':
      case 'embedding.error':
        this.#calls.embeddings(run, event, record);
        return;
      case 'agent.end':
      case 'agent.error':
        this.#agent(run, event, record);
        return;
      case 'tool.end':
      case 'tool.error':
        this.#tool(run, event, record);
        return;
      case 'chain.end':
      case 'chain.error':
        if (run.isInChain) return;
        record('workflowDuration', seconds(run.durationMs), {
          ...this.#attributes.bounded({ [ATTR.workflowName]: event.chainName }),
          ...this.#attributes.ofError(event),
        });
        return;
      case 'retrieval.end':
      case 'retrieval.error':
        record('operationDuration', seconds(run.durationMs), {
          [ATTR.operationName]: OPERATIONS.retrieval,
          [ATTR.providerName]: providerName(event.provider),
          ...this.#attributes.ofError(event),
        });
        return;
      default:
        return;
    }
  }

  /** Records a wait for a limiter. */
  waited(run: RunTelemetry | undefined, { limiter, waitedMs }: LimiterWaitEvent): void {
    if (run !== undefined) run.waitedMs += waitedMs;
    const attributes = this.#attributes.bounded({ [OWN_ATTR.limiter]: limiter });
    this.#current?.record('limiterWait', seconds(waitedMs), attributes);
  }

  /** Records how long a handler took. */
  handled({ handler, eventType, durationMs }: CallbackEndEvent): void {
    this.#current?.record(
      'handlerDuration',
      seconds(durationMs),
      this.#ofHandler(handler, eventType),
    );
  }

  /** Records a handler that failed. */
  handlerFailed({ handler, event, error }: CallbackErrorEvent): void {
    const attributes = this.#ofHandler(handler, event.type);
    this.#current?.record('handlerErrors', 1, {
      ...attributes,
      ...this.#attributes.bounded({ [ATTR.errorType]: errorType(error) }),
    });
  }

  #ofHandler(handler: string, eventType: string): Attributes {
    return this.#attributes.bounded({
      [OWN_ATTR.handler]: handler,
      [OWN_ATTR.eventType]: eventType,
    });
  }

  #agent(
    run: RunTelemetry,
    event: AgentEndEvent | AgentErrorEvent,
    record: Instruments['record'],
  ): void {
    const attributes = this.#attributes.ofAgent(run);
    const { [ATTR.requestModel]: _model, ...named } = attributes;
    record('agentDuration', seconds(run.durationMs), {
      ...attributes,
      ...this.#attributes.ofError(event),
    });
    record('agentInferenceCalls', run.inferenceCalls, named);
    record('agentToolCalls', run.toolCalls, named);
  }

  /** A call that waits for approval, or was denied, did not call the tool. */
  #tool(
    run: RunTelemetry,
    event: ToolEndEvent | ToolErrorEvent,
    record: Instruments['record'],
  ): void {
    const isPending = event.type === 'tool.end' && event.approval?.status === 'pending';
    if (!isPending && !isDenied(event) && run.parent?.start.type === 'agent.start')
      run.parent.toolCalls++;
    record('toolDuration', seconds(run.durationMs), {
      ...this.#attributes.ofTool(run),
      ...this.#attributes.ofError(event),
    });
  }
}
