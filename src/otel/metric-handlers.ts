import type { CallbackEndEvent, CallbackErrorEvent } from '../events/callback.events.js';
import type { Callbacks } from '../events/event-map.js';
import type { LimiterWaitEvent } from '../events/limiter.events.js';
import type { LlmStreamChunkEvent } from '../events/llm.events.js';
import { guarded, reportFailure } from './guard.js';
import type { RunMetrics } from './metrics.js';
import type { OpenTelemetryRuns } from './run-telemetry.js';

/**
 * Adds the handlers of an object that only metrics need: they cost something for each chunk and each handler. They are
 * methods of the object, recognized by their names when the application registers it, and only there if an SDK receives
 * metrics by then.
 */
export function addMetricHandlers(
  target: Callbacks,
  metrics: RunMetrics,
  runs: OpenTelemetryRuns,
): void {
  // Its own handlers are not what an application wants to measure.
  const ownName = `${target.constructor.name}.`;
  const methods = {
    onLlmStreamChunk(event: LlmStreamChunkEvent): void {
      const run = runs.of(event);
      if (run === undefined) return;
      // No closure for each chunk.
      try {
        metrics.chunk(run);
      } catch (error) {
        reportFailure(error);
      }
    },
    onCallbackEnd(event: CallbackEndEvent): void {
      if (!event.handler.startsWith(ownName)) guarded(() => metrics.handled(event));
    },
    onCallbackError(event: CallbackErrorEvent): void {
      guarded(() => metrics.handlerFailed(event));
    },
    onLimiterWait(event: LimiterWaitEvent): void {
      guarded(() => metrics.waited(runs.of(event), event));
    },
  } satisfies Partial<Record<keyof Callbacks, unknown>>;
  let isOn = false;
  // Once a handler, always a handler: the registry calls it by its name.
  const isHandler = () => (isOn = isOn || (guarded(() => metrics.isOn) ?? false));
  for (const [name, method] of Object.entries(methods)) {
    Object.defineProperty(target, name, {
      configurable: true,
      get: () => (isHandler() ? method : undefined),
    });
  }
}
