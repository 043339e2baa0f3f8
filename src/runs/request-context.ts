import { randomUUID } from 'node:crypto';
import { Injectable, type MessageEvent } from '@nestjs/common';
import type { RequestContext } from '../events/event.js';
import { UNREADABLE } from '../util/bounds.js';
import { isOptions, kindOf } from '../util/known-options.js';
import packages from '../util/packages.cjs';

/** The accepted inbound request ids: nothing that could break a log line or a header. */
const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** `version-traceid-parentid-flags`, https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT =
  /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-.*)?$/;

export const newRunId = (): string => randomUUID();
const newRequestId = (): string => randomUUID();
/** Sixteen bytes, nearly all random. Node caches entropy for UUIDs; fresh random bytes are slow. */
const newTraceId = (): string => randomUUID().replaceAll('-', '');

/** An inbound `x-request-id`, if it is valid. */
export function parseRequestId(header: unknown): string | undefined {
  return typeof header === 'string' && REQUEST_ID.test(header) ? header : undefined;
}

/** An inbound W3C `traceparent` and its trace id, if it is valid. */
export function parseTraceparent(
  header: unknown,
): { readonly traceparent: string; readonly traceId: string } | undefined {
  const traceId = typeof header === 'string' ? TRACEPARENT.exec(header)?.[1] : undefined;
  return traceId === undefined ? undefined : { traceparent: header as string, traceId };
}

/** Where every copy of `@opentelemetry/api` 1 finds what the application has registered; absent before that. */
const OPEN_TELEMETRY = Symbol.for('opentelemetry.js.api.1');

/** Finds the trace id of the active OpenTelemetry span, if the application has OpenTelemetry. */
@Injectable()
export class ActiveTrace {
  /** `null` if the package is not installed. */
  #api: ReturnType<typeof packages.openTelemetry> | null;

  get traceId(): string | undefined {
    if (!(OPEN_TELEMETRY in globalThis)) return undefined;
    if (this.#api === undefined) this.#api = packages.openTelemetry() ?? null;
    const context = this.#api?.trace.getActiveSpan()?.spanContext();
    return context && this.#api?.isSpanContextValid(context) ? context.traceId : undefined;
  }
}

/** The context of a run that an application may set: user, tenant, conversation, tags, metadata. */
export interface RunContext {
  /** The user of the run: key for limits, caches and costs. */
  userId?: string | undefined;
  /** The tenant that the user belongs to. */
  tenantId?: string | undefined;
  /** The conversation of the call; nested runs inherit it. */
  conversationId?: string | undefined;
  /** Added to the tags of the outer context. */
  tags?: readonly string[] | undefined;
  /** Merged over the metadata of the outer context. */
  metadata?: Readonly<Record<string, unknown>> | undefined;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const RunContext: object = Object;

/** A request context with its ids; unknown ids are generated. */
export function newContext(
  known: {
    requestId?: string | undefined;
    traceId?: string | undefined;
    traceparent?: string | undefined;
    signal?: AbortSignal | undefined;
  } = {},
): RequestContext {
  return new Context(new Ids(known.requestId, known.traceId, known.traceparent), {}, known.signal);
}

/** Merges `inner` into `outer`: tags and metadata add up; the inner user, tenant and conversation win. */
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

/** `outer` with a handler's route. */
export function withRoute(outer: RequestContext, route: string): RequestContext {
  if (outer.route === route) return outer;
  const { userId, tenantId, conversationId, tags, metadata, signal } = outer;
  return new Context(outer, { userId, tenantId, conversationId, route, tags, metadata }, signal);
}

/** A context without its ids. */
interface Said extends RunContext {
  /** `Controller.method`. */
  route?: string | undefined;
}

type Metadata = Readonly<Record<string, unknown>>;

/** The metadata of both; unreadable values are marked. */
export function mergeMetadata(outer: Metadata, inner: Metadata): Metadata {
  try {
    return { ...outer, ...inner };
  } catch {
    return { ...outer, ...readable(inner) };
  }
}

/**
 * `outer` on behalf of someone else: user, tenant and conversation come only from `who`; ids, tags and metadata stay.
 */
export function actFor(outer: RequestContext, who: RunContext): RequestContext {
  const { userId, tenantId, conversationId } = who;
  const { route, tags, metadata, signal } = outer;
  return new Context(outer, { userId, tenantId, conversationId, route, tags, metadata }, signal);
}

/** The readable part of an object with throwing getters: describing a call must not fail it. */
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

/** The context with the trace id of a run's span. */
export function withTraceId(context: RequestContext, traceId: string): RequestContext {
  const ids = {
    get requestId() {
      return context.requestId;
    },
    traceId,
    traceparent: context.traceparent,
  };
  return new Context(ids, context, context.signal);
}

const NO_TAGS: readonly string[] = Object.freeze([]);
const NO_METADATA: Readonly<Record<string, unknown>> = Object.freeze({});

type ContextIds = Pick<RequestContext, 'requestId' | 'traceId' | 'traceparent'>;

class Context implements RequestContext {
  readonly userId: string | undefined;
  readonly tenantId: string | undefined;
  readonly conversationId: string | undefined;
  readonly route: string | undefined;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly #ids: ContextIds;

  constructor(
    ids: ContextIds,
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

  get traceparent(): string | undefined {
    return this.#ids.traceparent;
  }
}

/** The ids that contexts of one request share; unknown ids are generated on first use. */
class Ids {
  #requestId: string | undefined;
  #traceId: string | undefined;

  constructor(
    requestId: string | undefined,
    traceId: string | undefined,
    readonly traceparent: string | undefined,
  ) {
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

/** The names of the run-context options among other options. */
export const RUN_CONTEXT_OPTIONS = {
  userId: true,
  tenantId: true,
  conversationId: true,
  tags: true,
  metadata: true,
} as const satisfies Record<keyof RunContext, true>;

/** Describes parts of a context that have the wrong type. */
export function faultOfRunContext({ tags, metadata }: RunContext): string | undefined {
  const areTags = Array.isArray(tags) && tags.every((tag) => typeof tag === 'string');
  if (tags !== undefined && !areTags) return 'tags must be a list of texts.';
  if (metadata !== undefined && !isOptions(metadata))
    return `metadata must be an object, not ${kindOf(metadata)}.`;
  return undefined;
}

/** Stops an `EventSource`: it does not reconnect. */
const NO_CONTENT = 204;

/** The used part of Node's response, of HTTP/1 and HTTP/2. */
export interface EventStreamResponse {
  readonly headersSent?: boolean;
  readonly statusCode?: number;
  writeHead?(status: number, ...headers: unknown[]): unknown;
}

/** The inbound request of an `@Sse()` handler. */
export class EventSourceRequest {
  /** Weak, because retained events retain their context, longer than a response should live. */
  readonly #response: WeakRef<EventStreamResponse>;
  #isOpened = false;

  constructor(
    /** The id of the last event that the client received before it reconnected. */
    readonly lastEventId: string | undefined,
    response: EventStreamResponse,
  ) {
    this.#response = new WeakRef(response);
  }

  /**
   * An id without an event, to send if the first event is slow: a client that is cut off before the first event then
   * still sends `Last-Event-ID`. `undefined` once sent; Nest numbers the events from 1.
   */
  firstId(): MessageEvent | undefined {
    if (this.#isOpened) return undefined;
    this.#isOpened = true;
    return { id: '0' };
  }

  /** Whether the response's status was sent. */
  get isAnswered(): boolean {
    return this.#response.deref()?.headersSent === true;
  }

  /** Responds to the request with 204, whatever is sent later. Returns `false` if another status was already sent. */
  refuse(): boolean {
    const response = this.#response.deref();
    if (response === undefined) return false;
    if (response.headersSent === true) return response.statusCode === NO_CONTENT;
    const writeHead = response.writeHead?.bind(response);
    if (writeHead === undefined) return false;
    // Nest may have read the status before the handler was called; setting it would be too late.
    response.writeHead = (_status, ...headers) => writeHead(NO_CONTENT, ...headers);
    return true;
  }
}
