import { UNREADABLE } from '../bounds.js';
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
  return new Context(new Ids(known.requestId, known.traceId), {}, known.signal);
}

/** `outer` with what `inner` says: tags and metadata merge, the inner user and tenant win. */
export function mergeContext(outer: RequestContext, inner: RunContext): RequestContext {
  const { userId, tenantId, tags, metadata } = inner;
  if (userId === undefined && tenantId === undefined && !tags?.length && metadata === undefined)
    return outer;
  const said: RunContext = {
    userId: userId ?? outer.userId,
    tenantId: tenantId ?? outer.tenantId,
    tags: tags ? [...new Set([...outer.tags, ...tags])] : outer.tags,
    metadata: metadata ? mergeMetadata(outer.metadata, metadata) : outer.metadata,
  };
  return new Context(outer, said, outer.signal);
}

type Metadata = Readonly<Record<string, unknown>>;

function mergeMetadata(outer: Metadata, inner: Metadata): Metadata {
  try {
    return { ...outer, ...inner };
  } catch {
    return { ...outer, ...readable(inner) };
  }
}

/** `outer` for somebody else: who it is made for is what `who` says, and no more; ids, tags and metadata stay. */
export function actFor(outer: RequestContext, who: RunContext): RequestContext {
  const { userId, tenantId, conversationId } = who as RunContext & { conversationId?: string };
  const said = { ...outer, userId, tenantId, conversationId };
  return new Context(outer, said, outer.signal);
}

/** What can be read of an object with getters that throw: to describe a call must not make it fail. */
function readable(metadata: Metadata): Metadata {
  const read = (name: string): unknown => {
    try {
      return metadata[name];
    } catch {
      return UNREADABLE;
    }
  };
  try {
    return Object.fromEntries(Object.keys(metadata).map((name) => [name, read(name)]));
  } catch {
    return { metadata: UNREADABLE };
  }
}

const NO_TAGS: readonly string[] = Object.freeze([]);
const NO_METADATA: Readonly<Record<string, unknown>> = Object.freeze({});

class Context implements RequestContext {
  readonly userId: string | undefined;
  readonly tenantId: string | undefined;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly #ids: Pick<RequestContext, 'requestId' | 'traceId'>;

  constructor(
    ids: Pick<RequestContext, 'requestId' | 'traceId'>,
    said: RunContext,
    readonly signal: AbortSignal | undefined,
  ) {
    this.#ids = ids;
    this.userId = said.userId;
    this.tenantId = said.tenantId;
    this.tags = said.tags ?? NO_TAGS;
    this.metadata = said.metadata ?? NO_METADATA;
  }

  get requestId(): string {
    return this.#ids.requestId;
  }

  get traceId(): string {
    return this.#ids.traceId;
  }
}

/** The ids that contexts of one request share; those that are not known are made when they are asked for. */
class Ids {
  #requestId: string | undefined;
  #traceId: string | undefined;

  constructor(requestId: string | undefined, traceId: string | undefined) {
    this.#requestId = requestId;
    this.#traceId = traceId;
  }

  get requestId(): string {
    this.#requestId ??= newRequestId();
    return this.#requestId;
  }

  get traceId(): string {
    this.#traceId ??= newTraceId();
    return this.#traceId;
  }
}
