import type { Context, MeterProvider, TracerProvider } from '@opentelemetry/api';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { isOptions, kindOf, nearest, optionNames, unknownOption } from '../util/known-options.js';
import { CAPTURE_CONTENT, type Semconv } from './names.js';

/** Where content may be recorded: prompts, answers, arguments, results, queries, documents, data of custom events. */
export type ContentPlace = 'none' | 'spans' | 'events' | 'both';

/**
 * The used part of the `LoggerProvider` of `@opentelemetry/api-logs`, which applications without events need not have.
 *
 * @example
 * ```ts
 * const loggerProvider: EventLoggerProvider = logs.getLoggerProvider();
 * ```
 */
export interface EventLoggerProvider {
  /** Returns the logger of an instrumentation scope. */
  getLogger(name: string, version?: string, options?: { schemaUrl?: string }): EventLogger;
}

/** The used part of a `Logger` of `@opentelemetry/api-logs`. */
export interface EventLogger {
  /** Emits an event. */
  emit(record: EventRecord): void;
}

/** An event as a log record. */
export interface EventRecord {
  /** Its name in the convention. */
  eventName: string;
  /** As in OpenTelemetry: 9 is INFO, 13 is WARN. */
  severityNumber?: number;
  /** Epoch milliseconds. */
  timestamp?: number;
  /** Content is structured, not JSON text. */
  attributes: Record<string, JsonValue>;
  /** The context with the span that the event belongs to. */
  context?: Context;
}

/** Plain JSON. */
export type JsonValue =
  string | number | boolean | null | undefined | JsonValue[] | { [key: string]: JsonValue };

/**
 * Options of `OpenTelemetryCallbacks`.
 *
 * @example
 * ```ts
 * const options: OpenTelemetryOptions = { content: 'spans', semconv: 'both' };
 * ```
 */
export interface OpenTelemetryOptions {
  /**
   * Where content is recorded, redacted: in attributes of spans, in events, which are log records, in both, or nowhere.
   * `'events'` and `'both'` need the package `@opentelemetry/api-logs`.
   * @default what `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` says, else `'none'`
   */
  content?: ContentPlace;
  /**
   * The version of the semantic conventions whose names are used. `'both'` emits both names of what was renamed.
   * @default 'latest'
   */
  semconv?: Semconv;
  /**
   * Whether spans are made.
   * @default true
   */
  traces?: boolean;
  /**
   * Whether metrics are recorded.
   * @default true
   */
  metrics?: boolean;
  /**
   * What becomes of the spans that the SDK of a provider makes on its own (`@anthropic-ai/sdk` does), so that there is
   * one span a call. `'suppress'`: the SDK makes none. `'keep'`: the SDK makes it, and this class makes none for that
   * call.
   * @default 'suppress'
   */
  sdkSpans?: 'suppress' | 'keep';
  /**
   * Makes the spans.
   * @default the global one
   */
  tracerProvider?: TracerProvider;
  /**
   * Records the metrics.
   * @default the global one
   */
  meterProvider?: MeterProvider;
  /**
   * Receives the events, if `content` is `'events'` or `'both'`.
   * @default the global one
   */
  loggerProvider?: EventLoggerProvider;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const OpenTelemetryOptions: object = Object;

/** Content by the names of its attributes; spans have it as JSON texts. */
export type Content = Readonly<Record<string, JsonValue>>;

/** The options, checked and with defaults. */
export interface Settings extends Pick<
  OpenTelemetryOptions,
  'tracerProvider' | 'meterProvider' | 'loggerProvider'
> {
  /** Whether spans have content. */
  readonly spanContent: boolean;
  /** Whether events are emitted, which have content. */
  readonly events: boolean;
  /** Whose names are used. */
  readonly semconv: Semconv;
  /** Whether spans are made. */
  readonly traces: boolean;
  /** Whether metrics are recorded. */
  readonly metrics: boolean;
  /** What becomes of the spans of SDKs. */
  readonly sdkSpans: 'suppress' | 'keep';
}

const NAMES = optionNames<OpenTelemetryOptions>({
  content: true,
  semconv: true,
  traces: true,
  metrics: true,
  sdkSpans: true,
  tracerProvider: true,
  meterProvider: true,
  loggerProvider: true,
});

const CONTENT_PLACES = ['none', 'spans', 'events', 'both'] as const satisfies ContentPlace[];
const SEMCONVS = ['latest', 'v1.41', 'both'] as const satisfies Semconv[];
const SDK_SPANS = ['suppress', 'keep'] as const;
const PROVIDERS = {
  tracerProvider: 'getTracer',
  meterProvider: 'getMeter',
  loggerProvider: 'getLogger',
} as const;

/** What the environment variable may say, in the spellings of all instrumentations. */
const SPELLINGS: Readonly<Record<string, ContentPlace>> = {
  // Older instrumentations, with only one place.
  true: 'spans',
  false: 'none',
  none: 'none',
  no_content: 'none',
  span_only: 'spans',
  event_only: 'events',
  span_and_event: 'both',
};

/**
 * Checks the options, and completes them from the environment.
 *
 * @throws CallbacksConfigurationError for an unknown option, and for an option of the wrong type
 */
export function toSettings(options: OpenTelemetryOptions): Settings {
  if (!isOptions(options)) refuse(`the options must be an object, not ${kindOf(options)}.`);
  const unknown = unknownOption(options, NAMES);
  if (unknown !== undefined) refuse(`there is no ${unknown}.`);
  const { content = contentOfEnvironment(), semconv = 'latest', sdkSpans = 'suppress' } = options;
  const { traces = true, metrics = true } = options;
  checkOneOf('content', content, CONTENT_PLACES);
  checkOneOf('semconv', semconv, SEMCONVS);
  checkOneOf('sdkSpans', sdkSpans, SDK_SPANS);
  checkBoolean('traces', traces);
  checkBoolean('metrics', metrics);
  for (const name of Object.keys(PROVIDERS) as (keyof typeof PROVIDERS)[])
    checkProvider(name, options[name]);
  const { tracerProvider, meterProvider, loggerProvider } = options;
  return {
    spanContent: content === 'spans' || content === 'both',
    events: content === 'events' || content === 'both',
    semconv,
    traces,
    metrics,
    sdkSpans,
    ...(tracerProvider !== undefined && { tracerProvider }),
    ...(meterProvider !== undefined && { meterProvider }),
    ...(loggerProvider !== undefined && { loggerProvider }),
  };
}

/** What is not known counts as a no. */
function contentOfEnvironment(): ContentPlace {
  const said = process.env[CAPTURE_CONTENT]?.trim().toLowerCase() ?? '';
  return Object.hasOwn(SPELLINGS, said) ? SPELLINGS[said]! : 'none';
}

function checkOneOf(name: string, value: unknown, known: readonly string[]): void {
  if (typeof value === 'string' && known.includes(value)) return;
  const near = typeof value === 'string' ? nearest(value, known) : undefined;
  const given = typeof value === 'string' ? 'another text' : kindOf(value);
  const hint = near === undefined ? '' : `; did you mean '${near}'?`;
  refuse(`${name} must be '${known.join("' or '")}', not ${given}${hint || '.'}`);
}

function checkBoolean(name: string, value: unknown): void {
  if (typeof value !== 'boolean') refuse(`${name} must be true or false, not ${kindOf(value)}.`);
}

function checkProvider(name: keyof typeof PROVIDERS, value: unknown): void {
  const method = PROVIDERS[name];
  if (value === undefined) return;
  if (typeof (Object(value) as Record<string, unknown>)[method] === 'function') return;
  refuse(`${name} must be an object with ${method}(), not ${kindOf(value)}.`);
}

function refuse(problem: string): never {
  throw new CallbacksConfigurationError(`OpenTelemetryCallbacks: ${problem}`);
}
