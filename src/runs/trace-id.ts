import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';

/** The accepted inbound request ids: nothing that could break a log line or a header. */
const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** `version-traceid-parentid-flags`, https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT =
  /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-.*)?$/;

export const newRunId = (): string => randomUUID();
export const newRequestId = (): string => randomUUID();
/** Sixteen bytes, nearly all random. Node caches entropy for UUIDs; fresh random bytes are slow. */
export const newTraceId = (): string => randomUUID().replaceAll('-', '');

/** An inbound `x-request-id`, if it is valid. */
export function parseRequestId(header: unknown): string | undefined {
  return typeof header === 'string' && REQUEST_ID.test(header) ? header : undefined;
}

/** The trace id of an inbound W3C `traceparent`, if it is valid. */
export function parseTraceparent(header: unknown): string | undefined {
  return typeof header === 'string' ? TRACEPARENT.exec(header)?.[1] : undefined;
}

/** The used part of `@opentelemetry/api`, an optional peer dependency. */
interface TraceApi {
  trace: { getActiveSpan(): { spanContext(): { traceId: string } } | undefined };
  isSpanContextValid(context: { traceId: string }): boolean;
}

/** Finds the trace id of the active OpenTelemetry span, if the application has OpenTelemetry. */
@Injectable()
export class ActiveTrace {
  #api: TraceApi | undefined;

  async load(): Promise<void> {
    try {
      this.#api = (await import('@opentelemetry/api')) as unknown as TraceApi;
    } catch {
      this.#api = undefined;
    }
  }

  get traceId(): string | undefined {
    const context = this.#api?.trace.getActiveSpan()?.spanContext();
    return context && this.#api?.isSpanContextValid(context) ? context.traceId : undefined;
  }
}
