import { type Attributes, context } from '@opentelemetry/api';
import { CallbacksConfigurationError, describeError } from '../errors/callbacks-error.js';
import type { CallbackEvent } from '../events/event-map.js';
import packages from '../util/packages.cjs';
import { logStack } from '../util/log.js';
import { callerAttributes, spanStart } from './attributes.js';
import { endContent, startContent } from './content.js';
import { endAttributes } from './end-attributes.js';
import { describeFailure } from './failure.js';
import { ATTR, LOG_EVENTS, OPERATIONS, SCHEMA_URL, SCOPE_NAME, SCOPE_VERSION } from './names.js';
import type { Content, EventLogger, EventLoggerProvider, Settings } from './options.js';
import type { RunTelemetry } from './run-telemetry.js';

const WARN = 13;

/** Emits the events of LLM calls and embeddings, which are log records with content. */
export class RunEvents {
  /** The global provider at the time of each event. */
  readonly #provider: () => EventLoggerProvider;

  /** @throws CallbacksConfigurationError without the package for it */
  constructor(private readonly settings: Settings) {
    const { loggerProvider } = settings;
    this.#provider = loggerProvider === undefined ? globalProvider() : () => loggerProvider;
  }

  /** Keeps what a call starts with for the event at its end. */
  start(run: RunTelemetry): void {
    const { start: event } = run;
    if (event.type !== 'llm.start' || isSampledOut(run)) return;
    run.attributes ??= {
      ...spanStart(event, run, this.settings.semconv)?.attributes,
      ...callerAttributes(event),
    };
    run.startContent ??= startContent(event);
  }

  end(run: RunTelemetry, event: CallbackEvent): void {
    if (isSampledOut(run)) return;
    if (event.type === 'llm.end' || event.type === 'llm.error') this.#details(run, event);
    if (event.type === 'llm.error' || event.type === 'embedding.error')
      this.#exception(run, event, event.error);
  }

  #details(run: RunTelemetry, event: CallbackEvent): void {
    const attributes: Attributes = {
      ...run.attributes,
      ...endAttributes(event, run, this.settings.semconv),
    };
    const content = { ...run.startContent, ...(run.endContent ??= endContent(event)) };
    this.#emit(run, LOG_EVENTS.details, { ...(attributes as Content), ...content });
  }

  #exception(run: RunTelemetry, event: CallbackEvent, error: Error): void {
    const attributes: Content = {
      [ATTR.operationName]: operationOf(event),
      [ATTR.exceptionType]: describeError(error).name,
      [ATTR.exceptionMessage]: describeFailure(event, error, true).message,
      [ATTR.exceptionStacktrace]: redactedText(event, logStack(error)),
    };
    this.#emit(run, LOG_EVENTS.exception, attributes, WARN);
  }

  #emit(run: RunTelemetry, eventName: string, attributes: Content, severityNumber?: number): void {
    this.#logger.emit({
      eventName,
      timestamp: run.endTime,
      attributes: Object.fromEntries(
        Object.entries(attributes).filter(([, value]) => value !== undefined && value !== ''),
      ),
      context: run.context ?? context.active(),
      ...(severityNumber !== undefined && { severityNumber }),
    });
  }

  get #logger(): EventLogger {
    const options = this.settings.semconv === 'v1.41' ? { schemaUrl: SCHEMA_URL } : {};
    return this.#provider().getLogger(SCOPE_NAME, SCOPE_VERSION, options);
  }
}

function operationOf({ type }: CallbackEvent): string | undefined {
  return type === 'embedding.error' ? OPERATIONS.embedding : OPERATIONS.llm;
}

/** Whether the trace of a run is not recorded: then its content is not even looked at. */
function isSampledOut({ span }: RunTelemetry): boolean {
  return span !== undefined && !span.isRecording();
}

function redactedText(event: CallbackEvent, text: string): string | undefined {
  const redacted = event.redacted('span', text);
  return typeof redacted === 'string' ? redacted : undefined;
}

function globalProvider(): () => EventLoggerProvider {
  const api = packages.openTelemetryLogs();
  if (api === undefined)
    throw new CallbacksConfigurationError(
      "OpenTelemetryCallbacks: content 'events' and 'both' need the package @opentelemetry/api-logs, which could not be loaded. Run: npm install @opentelemetry/api-logs",
    );
  return () => api.logs.getLoggerProvider();
}
