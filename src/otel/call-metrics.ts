import type { Attributes } from '@opentelemetry/api';
import type { EmbeddingEndEvent, EmbeddingErrorEvent } from '../events/embedding.events.js';
import type { LlmEndEvent, LlmErrorEvent } from '../events/llm.events.js';
import { providerName } from './attributes.js';
import type { Instruments } from './instruments.js';
import type { MetricAttributes } from './metric-attributes.js';
import { ATTR, OWN_ATTR } from './names.js';
import { isRejection, limiterOf } from './rejections.js';
import type { RunTelemetry } from './run-telemetry.js';
import { recordTokens } from './token-metrics.js';
import { seconds } from './values.js';

/** A rounding error is no wait. */
const LEAST_WAIT_MS = 0.001;

/** Records the metrics of LLM calls and embeddings that have ended. */
export class CallMetrics {
  constructor(private readonly attributes: MetricAttributes) {}

  inference(
    run: RunTelemetry,
    event: LlmEndEvent | LlmErrorEvent,
    record: Instruments['record'],
  ): void {
    if (run.parent?.start.type === 'agent.start') run.parent.inferenceCalls++;
    const attributes = this.#ofEnd(run, event);
    const withError = { ...attributes, ...this.attributes.ofError(event) };
    record('inferenceDuration', seconds(run.durationMs), withError);
    record('timeToFirstChunk', seconds(event.timeToFirstChunkMs), attributes);
    recordTokens(run, event.usage, { attributes, withError, record });
    this.#billed(run, event, attributes, record);
  }

  embeddings(
    run: RunTelemetry,
    event: EmbeddingEndEvent | EmbeddingErrorEvent,
    record: Instruments['record'],
  ): void {
    const attributes = this.#ofEnd(run, event);
    const withError = { ...attributes, ...this.attributes.ofError(event) };
    const { inputTokens } = event.usage;
    record('embeddingsDuration', seconds(run.durationMs), withError);
    if (inputTokens > 0) {
      record('embeddingsInputTokens', inputTokens, withError);
      record('tokenUsage', inputTokens, { ...attributes, [ATTR.tokenType]: 'input' });
    }
    this.#billed(run, event, attributes, record);
  }

  #ofEnd(
    run: RunTelemetry,
    event: LlmEndEvent | LlmErrorEvent | EmbeddingEndEvent | EmbeddingErrorEvent,
  ): Attributes {
    const model = 'response' in event ? event.response.model : undefined;
    const isOther = event.provider !== run.start.provider;
    const answered = this.attributes.bounded({
      [ATTR.responseModel]: model || undefined,
      // As the span has it: interceptors chose another client.
      [OWN_ATTR.responseProvider]: isOther ? providerName(event.provider) : undefined,
    });
    return { ...this.attributes.ofCall(run), ...answered };
  }

  /** Records cost, rejection, and a wait that the call did not survive. */
  #billed(
    run: RunTelemetry,
    event: LlmEndEvent | LlmErrorEvent | EmbeddingEndEvent | EmbeddingErrorEvent,
    attributes: Attributes,
    record: Instruments['record'],
  ): void {
    if (event.cost !== null && event.cost > 0) record('cost', event.cost, attributes);
    if (!('error' in event)) return;
    if (isRejection(event.error)) {
      record('limiterRejections', 1, {
        ...attributes,
        ...this.attributes.bounded({ [OWN_ATTR.limiter]: limiterOf(event.error) }),
        ...this.attributes.ofError(event),
      });
    }
    const restMs = (event.limiterWaitMs ?? 0) - run.waitedMs;
    if (restMs > LEAST_WAIT_MS)
      record('limiterWait', seconds(restMs), this.attributes.ofError(event));
  }
}
