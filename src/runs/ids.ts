import { randomUUID } from 'node:crypto';

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
