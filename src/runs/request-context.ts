import { UNREADABLE } from '../util/bounds.js';
import type { RequestContext } from '../events/run-info.js';
import { newRequestId, newTraceId } from './ids.js';

/** What an application may say about who is asking. */
export interface RunContext {
  /** The user that the run is for: limits, caches and costs go by it. */
  userId?: string | undefined;
  /** The tenant that the user belongs to. */
  tenantId?: string | undefined;
  /** The conversation that the call is part of; runs nested in it inherit it. */
  conversationId?: string | undefined;
  /** Added to those of the context around. */
  tags?: readonly string[] | undefined;
  /** Merged over that of the context around. */
  metadata?: Readonly<Record<string, unknown>> | undefined;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const RunContext: object = Object;

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

/** `outer` with what `inner` says: tags and metadata merge; the inner user, tenant and conversation win. */
export function mergeContext(outer: RequestContext, inner: RunContext): RequestContext {
  const { userId, tenantId, conversationId, tags, metadata } = inner;
  if (
    userId === undefined &&
    tenantId === undefined &&
    conversationId === undefined &&
    !tags?.length &&
    metadata === undefined
  )
    return outer;
  const said: Said = {
    userId: userId ?? outer.userId,
    tenantId: tenantId ?? outer.tenantId,
    conversationId: conversationId ?? outer.conversationId,
    route: outer.route,
    tags: tags ? [...new Set([...outer.tags, ...tags])] : outer.tags,
    metadata: metadata ? mergeMetadata(outer.metadata, metadata) : outer.metadata,
  };
  return new Context(outer, said, outer.signal);
}

/** `outer` on the route that a handler serves. */
export function withRoute(outer: RequestContext, route: string): RequestContext {
  if (outer.route === route) return outer;
  const { userId, tenantId, conversationId, tags, metadata, signal } = outer;
  return new Context(outer, { userId, tenantId, conversationId, route, tags, metadata }, signal);
}

/** What a context says besides its ids. */
interface Said extends RunContext {
  /** `Controller.method`. */
  route?: string | undefined;
}

type Metadata = Readonly<Record<string, unknown>>;

/** The metadata of both; what cannot be read is marked. */
export function mergeMetadata(outer: Metadata, inner: Metadata): Metadata {
  try {
    return { ...outer, ...inner };
  } catch {
    return { ...outer, ...readable(inner) };
  }
}

/** `outer` for somebody else: who it is made for is what `who` says, and no more; ids, tags and metadata stay. */
export function actFor(outer: RequestContext, who: RunContext): RequestContext {
  const { userId, tenantId, conversationId } = who;
  const { route, tags, metadata, signal } = outer;
  return new Context(outer, { userId, tenantId, conversationId, route, tags, metadata }, signal);
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
  readonly conversationId: string | undefined;
  readonly route: string | undefined;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly #ids: Pick<RequestContext, 'requestId' | 'traceId'>;

  constructor(
    ids: Pick<RequestContext, 'requestId' | 'traceId'>,
    said: Said,
    readonly signal: AbortSignal | undefined,
  ) {
    this.#ids = ids;
    this.userId = said.userId;
    this.tenantId = said.tenantId;
    this.conversationId = said.conversationId;
    this.route = said.route;
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
