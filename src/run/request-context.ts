import type { RequestContext } from '../events/index.js';
import { newRequestId, newTraceId } from './ids.js';

/** What an application may say about who is asking. */
export interface RunContext {
  userId?: string | undefined;
  tenantId?: string | undefined;
  /** Added to those of the context around. */
  tags?: readonly string[] | undefined;
  /** Merged over that of the context around. */
  metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** A request context with its ids, which are made where they are not known. */
export function newContext(
  known: {
    requestId?: string | undefined;
    traceId?: string | undefined;
    signal?: AbortSignal | undefined;
  } = {},
): RequestContext {
  return {
    requestId: known.requestId ?? newRequestId(),
    traceId: known.traceId ?? newTraceId(),
    userId: undefined,
    tenantId: undefined,
    tags: [],
    metadata: {},
    signal: known.signal,
  };
}

/** `outer` with what `inner` says: tags and metadata merge, the inner user and tenant win. */
export function mergeContext(outer: RequestContext, inner: RunContext): RequestContext {
  const { userId, tenantId, tags, metadata } = inner;
  if (userId === undefined && tenantId === undefined && !tags?.length && metadata === undefined)
    return outer;
  return {
    ...outer,
    userId: userId ?? outer.userId,
    tenantId: tenantId ?? outer.tenantId,
    tags: tags ? [...new Set([...outer.tags, ...tags])] : outer.tags,
    metadata: metadata ? { ...outer.metadata, ...metadata } : outer.metadata,
  };
}
