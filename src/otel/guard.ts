import { diag } from '@opentelemetry/api';
import { logReason } from '../util/log.js';

/** Runs a step of telemetry. Its failure never fails a call: OpenTelemetry's own diagnostic logger gets it. */
export function guarded<R>(step: () => R): R | undefined {
  try {
    return step();
  } catch (error) {
    reportFailure(error);
    return undefined;
  }
}

/** Reports a step that failed. */
export function reportFailure(error: unknown): void {
  try {
    diag.warn(`nestjs-llm-callbacks: telemetry failed: ${logReason(error)}`);
  } catch {
    // The application's own diagnostic logger.
  }
}
