import { Injectable } from '@nestjs/common';

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
