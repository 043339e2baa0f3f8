import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  type Span,
  type SpanContext,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import type { CallbackEvent } from '../events/event-map.js';
import type { ContextBinding } from '../runs/bind-context.js';
import { callerAttributes, spanStart } from './attributes.js';
import { endAttributes, isDenied } from './end-attributes.js';
import { defined, seconds } from './values.js';
import { endContent, noteContent, startContent, toSpanAttributes } from './content.js';
import { describeFailure } from './failure.js';
import { guarded } from './guard.js';
import { OWN_ATTR, SCHEMA_URL, SCOPE_NAME, SCOPE_VERSION, SPAN_EVENTS } from './names.js';
import type { Settings } from './options.js';
import { parentContextOf } from './parents.js';
import type { RunTelemetry } from './run-telemetry.js';

/** Makes the spans of runs. */
export class RunSpans {
  /** Marks contexts as being inside of a run of this instance. */
  readonly #run = Symbol('run');

  constructor(private readonly settings: Settings) {}

  /**
   * Starts the span of a run, and returns the context of its work; `undefined` if there is no span, because nothing
   * records or propagates it, or the SDK that is called makes it.
   */
  start(run: RunTelemetry): ContextBinding | undefined {
    const { start: event } = run;
    const { semconv, sdkSpans } = this.settings;
    const around = parentContextOf(run, this.#run);
    // Runs inside get a parent, also if this one has no span.
    run.context = around;
    if (sdkSpans === 'keep' && 'tracedBySdk' in event && event.tracedBySdk) return undefined;
    const begin = spanStart(event, run, semconv);
    if (begin === undefined) return undefined;
    const { name, kind, attributes } = begin;
    const span = this.#tracer.startSpan(
      name,
      { kind, attributes, startTime: run.startTime },
      around,
    );
    const ids = span.spanContext();
    if (!isNew(ids, around)) return undefined;
    run.span = span;
    const inside = trace.setSpan(around, span).setValue(this.#run, run);
    run.context = inside;
    guarded(() => this.#started(run, span, attributes));
    return {
      bind: (work) => context.with(inside, work),
      traceId: ids.traceId,
      spanId: ids.spanId,
    };
  }

  get #tracer(): Tracer {
    const { tracerProvider = trace.getTracerProvider(), semconv } = this.settings;
    const options = semconv === 'v1.41' ? { schemaUrl: SCHEMA_URL } : undefined;
    return tracerProvider.getTracer(SCOPE_NAME, SCOPE_VERSION, options);
  }

  #started(run: RunTelemetry, span: Span, attributes: Attributes): void {
    const { start: event } = run;
    if (!span.isRecording()) return;
    const ofCaller = callerAttributes(event);
    run.attributes = { ...attributes, ...ofCaller };
    span.setAttributes(ofCaller);
    if (this.settings.spanContent)
      span.setAttributes(toSpanAttributes((run.startContent ??= startContent(event))));
    if (event.type === 'tool.start' && event.approval !== undefined)
      span.addEvent(SPAN_EVENTS.approval, { [OWN_ATTR.approvalStatus]: event.approval.status });
  }

  /** Adds what happens between start and end to the span of its run. */
  note(run: RunTelemetry, event: CallbackEvent): void {
    const { span } = run;
    if (!span?.isRecording()) return;
    const add = (name: string, attributes: Attributes) =>
      span.addEvent(name, defined(attributes), event.timestamp);
    switch (event.type) {
      case 'llm.retry':
        return void add(SPAN_EVENTS.retry, {
          [OWN_ATTR.retryAttempt]: event.attempt,
          [OWN_ATTR.retryDelay]: seconds(event.delayMs),
          ...describeFailure(event, event.error, false).attributes,
        });
      case 'llm.cache':
        return void add(SPAN_EVENTS.cache, { [OWN_ATTR.cacheAge]: seconds(event.ageMs) });
      case 'limiter.wait':
        return void add(SPAN_EVENTS.limiterWait, {
          [OWN_ATTR.limiter]: event.limiter,
          [OWN_ATTR.limiterWaited]: seconds(event.waitedMs),
        });
      case 'custom':
        return void add(
          event.name,
          this.settings.spanContent ? toSpanAttributes(noteContent(event)) : {},
        );
      default:
        return undefined;
    }
  }

  /** Ends the span of a run; its end is that of the run's clock. */
  end(run: RunTelemetry, event: CallbackEvent): void {
    const { span } = run;
    if (span === undefined) return;
    try {
      if (span.isRecording()) this.#complete(run, span, event);
    } finally {
      span.end(run.endTime);
    }
  }

  #complete(run: RunTelemetry, span: Span, event: CallbackEvent): void {
    const { semconv, spanContent } = this.settings;
    const attributes = endAttributes(event, run, semconv);
    span.setAttributes(attributes);
    if (event.type === 'llm.end' && event.timeToFirstChunkMs !== undefined)
      span.addEvent(
        SPAN_EVENTS.firstChunk,
        {},
        Math.max(run.startTime, event.timestamp - event.durationMs + event.timeToFirstChunkMs),
      );
    addApproval(span, run, event);
    if ('error' in event && !isDenied(event)) {
      const { message } = describeFailure(event, event.error, spanContent);
      span.setStatus({ code: SpanStatusCode.ERROR, message });
    }
    if (spanContent) span.setAttributes(toSpanAttributes((run.endContent ??= endContent(event))));
  }
}

/** The decision on a tool call, unless it was known at the start. */
function addApproval(span: Span, { start }: RunTelemetry, event: CallbackEvent): void {
  if (event.type !== 'tool.end' && event.type !== 'tool.error') return;
  const { approval } = event;
  const before = start.type === 'tool.start' ? start.approval?.status : undefined;
  if (approval === undefined || approval.status === before) return;
  span.addEvent(SPAN_EVENTS.approval, { [OWN_ATTR.approvalStatus]: approval.status });
}

/** Whether a span exists: without an SDK, the API gives one that is none, or passes on the parent's. */
function isNew(ids: SpanContext, around: Context): boolean {
  return isSpanContextValid(ids) && ids.spanId !== trace.getSpanContext(around)?.spanId;
}
