export { OpenTelemetryCallbacks } from './open-telemetry-callbacks.js';
export {
  type ContentPlace,
  type EventLogger,
  type EventLoggerProvider,
  type EventRecord,
  type JsonValue,
  OpenTelemetryOptions,
} from './options.js';
export type { Semconv } from './names.js';
