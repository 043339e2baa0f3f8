import { type Context, context, trace } from '@opentelemetry/api';
import type { RunTelemetry } from './run-telemetry.js';

/**
 * The context in which a run starts: that of its parent run, or of a span of the application inside of the parent;
 * without a parent, that of the active span, else of the inbound `traceparent`.
 *
 * @param key by which contexts inside of a run have it
 */
export function parentContextOf({ parent, start }: RunTelemetry, key: symbol): Context {
  const active = context.active();
  if (parent?.context !== undefined)
    return active.getValue(key) === parent ? active : parent.context;
  if (trace.getSpanContext(active) !== undefined) return active;
  return remoteContextOf(start.traceparent, active) ?? active;
}

function remoteContextOf(traceparent: string | undefined, active: Context): Context | undefined {
  if (traceparent === undefined) return undefined;
  const [, traceId, spanId, flags] = traceparent.split('-');
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const traceFlags = Number.parseInt(flags, 16);
  return trace.setSpanContext(active, { traceId, spanId, traceFlags, isRemote: true });
}
