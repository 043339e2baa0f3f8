import { ContentRedactor } from '../redaction/content-redactor.js';
import type { RedactionPlace, Redactor } from '../redaction/redactor.js';
import { MIN_FIELD_CHARS, MIN_FIELD_NODES, UNREADABLE } from '../util/bounds.js';
import { brand } from '../util/brand.js';
import type { BoundedCopy } from './bounded-copy.js';
import { redactEvent } from './redacted-event.js';
import { newSafeCopy, toSafeJson } from './serialize.js';

/** The request of a run: its user, and the ids that correlate logs across systems. */
export interface RequestContext {
  /** Id of the inbound request, or a new UUID. */
  readonly requestId: string;
  /** W3C trace id: 32 lower-case hex digits. */
  readonly traceId: string;
  /** The valid W3C `traceparent` of the inbound request; its trace id is not that of a span that was active already. */
  readonly traceparent?: string | undefined;
  readonly userId?: string | undefined;
  readonly tenantId?: string | undefined;
  /** The conversation of the call. */
  readonly conversationId?: string | undefined;
  /** The handler of the request or message: `Controller.method`, also for gateways and resolvers. */
  readonly route?: string | undefined;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Fires when the client of the inbound request disconnects. */
  readonly signal?: AbortSignal | undefined;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const RequestContext: object = Object;

/** The handler that started a run. */
export interface FromCallback {
  /** The run whose event the handler received. */
  readonly runId: string;
  /** The handler, as `Class.method`. */
  readonly handler: string;
}

/**
 * What made a run: `'own'` is this package; any other value names the observed library, or `fetch`, that the
 * application called itself.
 *
 * @example
 * ```ts
 * const isOfSdk = (origin: EventOrigin) => origin === 'openai' || origin === 'anthropic';
 * ```
 */
export type EventOrigin =
  'own' | 'openai' | 'anthropic' | 'fetch' | 'ai-sdk' | 'langchain' | 'openai-agents';

/** The part of a run that every event reads. */
export interface RunInfo {
  readonly runId: string;
  readonly parentRunId: string | undefined;
  readonly rootRunId: string;
  readonly context: RequestContext;
  /** Id of the run's span, if `@BindContext()` gave it one. */
  readonly spanId: string | undefined;
  /** The nearest named client, or `'default'`. */
  readonly scope: string;
  /** The named clients around the run, outermost first; handlers' scopes are matched against them. */
  readonly scopes: readonly string[];
  readonly fromCallback: FromCallback | undefined;
  /** What made the run; nested runs have their own. */
  readonly origin: EventOrigin;
  /** The provider's name or label, if an LLM is involved. */
  readonly provider: string | undefined;
  /** The requested model, if an LLM is involved. */
  readonly model: string | undefined;
  /** Whether the parent run ended before this one. */
  readonly detached: boolean;
  /** What removes secrets from what leaves the process. */
  readonly redactor: Redactor;
  /** The number of the run's next event, from 0. */
  nextSeq(): number;
}

/** The context fields of every event, in the order of its JSON. */
export const CONTEXT_FIELDS = [
  'type',
  'eventId',
  'runId',
  'parentRunId',
  'rootRunId',
  'requestId',
  'traceId',
  'spanId',
  'userId',
  'tenantId',
  'conversationId',
  'route',
  'scope',
  'scopes',
  'tags',
  'metadata',
  'timestamp',
  'provider',
  'model',
  'fromCallback',
  'origin',
  'observed',
  'detached',
] as const;

/** An event as JSON: `v: 1`, its context, and its own fields, without live objects. */
export type EventJson = { readonly v: 1; readonly type: string } & Readonly<
  Record<string, unknown>
>;

// Symbols rather than private fields, which would double the cost of a chunk event.
const RUN: unique symbol = Symbol('run');
const SEQ: unique symbol = Symbol('seq');
/** The redactor of an event without a run. */
export const REDACTOR: unique symbol = Symbol('redactor');

/** For events that an application revived itself. */
const DEFAULT_REDACTOR: Redactor = new ContentRedactor();

/**
 * The base of every event, with the context of its run. One instance per event, shared by all its handlers.
 *
 * Fields are read-only and mostly getters, so that an event costs one small object: copy it with
 * {@link RunEvent.toJSON}, never by spread.
 */
export abstract class RunEvent {
  static {
    brand(this, 'class:RunEvent');
  }

  /** The type of event; the discriminant of `CallbackEvent`. */
  abstract readonly type: string;
  /** The time of the event, in epoch milliseconds. */
  readonly timestamp: number;
  /** @internal */
  readonly [RUN]: RunInfo;
  /** @internal */
  readonly [SEQ]: number;
  /** @internal */
  readonly [REDACTOR]?: Redactor;

  constructor(run: RunInfo, timestamp = Date.now()) {
    this.timestamp = timestamp;
    this[RUN] = run;
    this[SEQ] = run.nextSeq();
  }

  /** The names of the event's own fields, in the order of its JSON. */
  protected abstract fields(): readonly string[];

  /** `runId:seq`; unique, and ascending within a run. */
  get eventId(): string {
    return `${this[RUN].runId}:${this[SEQ]}`;
  }
  /** The id of the event's run. */
  get runId(): string {
    return this[RUN].runId;
  }
  /** The id of the parent run; absent for the root of a tree. */
  get parentRunId(): string | undefined {
    return this[RUN].parentRunId;
  }
  /** The id of the root run of the tree. */
  get rootRunId(): string {
    return this[RUN].rootRunId;
  }
  /** Id of the inbound request, or a generated UUID of the run tree. */
  get requestId(): string {
    return this[RUN].context.requestId;
  }
  /** W3C trace id: 32 lower-case hex digits. */
  get traceId(): string {
    return this[RUN].context.traceId;
  }
  /** Id of the run's span, 16 lower-case hex digits, if `@BindContext()` gave it one. */
  get spanId(): string | undefined {
    return this[RUN].spanId;
  }
  /** The valid W3C `traceparent` of the inbound request; not part of the event's JSON. */
  get traceparent(): string | undefined {
    return this[RUN]?.context.traceparent;
  }
  /** The user of the call. */
  get userId(): string | undefined {
    return this[RUN].context.userId;
  }
  /** The tenant of the call. */
  get tenantId(): string | undefined {
    return this[RUN].context.tenantId;
  }
  /** The conversation of the call. */
  get conversationId(): string | undefined {
    return this[RUN].context.conversationId;
  }
  /** The handler of the inbound request or message: `Controller.method`. */
  get route(): string | undefined {
    return this[RUN].context.route;
  }
  /** The nearest named client, or `'default'`. */
  get scope(): string {
    return this[RUN].scope;
  }
  /** The named clients around the run, outermost first. */
  get scopes(): readonly string[] {
    return this[RUN].scopes;
  }
  get tags(): readonly string[] {
    return this[RUN].context.tags;
  }
  get metadata(): Readonly<Record<string, unknown>> {
    return this[RUN].context.metadata;
  }
  /** The provider's name or label, if an LLM is involved. */
  get provider(): string | undefined {
    return this[RUN].provider;
  }
  /** The requested model, if an LLM is involved. */
  get model(): string | undefined {
    return this[RUN].model;
  }
  /** Set when the run was started inside a handler. */
  get fromCallback(): FromCallback | undefined {
    return this[RUN].fromCallback;
  }
  /**
   * What made the run: `'own'` for calls of this package, or the observed library. Nested runs have their own.
   *
   * @example
   * ```ts
   * class Sdk { @OnLlmEnd({ when: ({ origin }) => origin === 'openai' }) note({ usage }: LlmEndEvent) {} }
   * ```
   */
  get origin(): EventOrigin {
    return this[RUN].origin;
  }
  /**
   * Whether the run was made by code other than this package: `origin !== 'own'`.
   *
   * @example
   * ```ts
   * class Own { @OnLlmEnd({ when: ({ observed }) => !observed }) note({ usage }: LlmEndEvent) {} }
   * ```
   */
  get observed(): boolean {
    return this.origin !== 'own';
  }
  /** On a terminal event: `true` if the parent run ended first. */
  get detached(): true | undefined {
    return undefined;
  }

  /**
   * The event as plain JSON: errors as plain objects, bytes as their count, BigInt as strings, cycles cut, and no
   * client objects. Never throws, and is bounded in depth, values and characters. Omitted parts are marked in place, as
   * `'[cut: too deep]'`, `'[cut: too large]'`, `'[Circular]'`, `'[Shared]'` or `'[unreadable]'`. It contains prompts
   * and answers: redact it before storing it.
   */
  toJSON(): EventJson {
    const json: Record<string, unknown> = { v: 1 };
    const copy = newSafeCopy();
    for (const name of [...CONTEXT_FIELDS, ...this.fields()]) {
      // Numbers and ids after a large field must not be cut: handlers of stored jobs rely on them.
      copy.atLeast(MIN_FIELD_NODES, MIN_FIELD_CHARS);
      const value = fieldJson(name, copy, () => this.jsonValue(name));
      if (value !== undefined) json[name] = value;
    }
    return json as EventJson;
  }

  /**
   * What a built-in may let out of the process: the event as JSON, or some of it, redacted by the application's redactor
   * (`forRoot({ redact })`). The whole event stays one that {@link reviveEvent} takes: its ids are never redacted. Never
   * throws.
   *
   * @param value fields of the event by their names, such as `{ args: event.args }`, so that paths of the redactor apply
   * to them; by default the JSON of the whole event
   *
   * @example
   * ```ts
   * class Trail { @OnLlmEnd() write(event: LlmEndEvent) { return this.rows.insert(event.redacted('audit')); } }
   * ```
   */
  redacted(place: RedactionPlace): EventJson;
  redacted(place: RedactionPlace, value: unknown): unknown;
  redacted(place: RedactionPlace, ...given: [value?: unknown]): unknown {
    // An event from a queue has no run.
    const run = this[RUN] as RunInfo | undefined;
    const redactor = run?.redactor ?? this[REDACTOR] ?? DEFAULT_REDACTOR;
    if (given.length === 0) return redactEvent(this.toJSON(), redactor, place);
    const value = toSafeJson(given[0]);
    return value === undefined ? undefined : redactor.redact(value, place);
  }

  /** The value of a field in the JSON. */
  protected jsonValue(name: string): unknown {
    return (this as unknown as Record<string, unknown>)[name];
  }

  /** Lets `console.log(event)` show the fields, which are getters. */
  [Symbol.for('nodejs.util.inspect.custom')](): unknown {
    return this.toJSON();
  }

  protected get run(): RunInfo {
    return this[RUN];
  }
}

/** The last event of a run: its end or its error. */
export abstract class TerminalEvent extends RunEvent {
  static {
    brand(this, 'class:TerminalEvent');
  }

  /** `true` if the parent run ended first. */
  override get detached(): true | undefined {
    return this.run.detached || undefined;
  }
}

/** A field's JSON, in the form that {@link reviveEvent} requires, whatever an application put into its context. */
function fieldJson(name: string, copy: BoundedCopy, get: () => unknown): unknown {
  const value = read(get);
  // Already bounded on its own, so that its ids are not cut.
  if (name === 'event' && value instanceof RunEvent) return value.toJSON();
  const json = copy.copy(value);
  if (name === 'metadata' && (typeof json !== 'object' || json === null || Array.isArray(json)))
    return { metadata: json ?? UNREADABLE };
  if (name === 'tags' && Array.isArray(json))
    return json.map((tag) => (typeof tag === 'string' ? tag : UNREADABLE));
  return json;
}

/** Reads a field; some fields are computed from application data on access, and may throw. */
function read(get: () => unknown): unknown {
  try {
    return get();
  } catch {
    return UNREADABLE;
  }
}
