import { MIN_FIELD_CHARS, MIN_FIELD_NODES, UNREADABLE } from '../util/bounds.js';
import { brand } from '../util/brand.js';
import type { BoundedCopy } from './bounded-copy.js';
import type { FromCallback, RunInfo } from './run-info.js';
import { newSafeCopy } from './serialize.js';

/** The context that every event carries, in the order in which its JSON writes it. */
export const CONTEXT_FIELDS = [
  'type',
  'eventId',
  'runId',
  'parentRunId',
  'rootRunId',
  'requestId',
  'traceId',
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
  'detached',
] as const;

/** An event as JSON: `v: 1`, its context, and its own fields, with nothing alive in it. */
export type EventJson = { readonly v: 1; readonly type: string } & Readonly<
  Record<string, unknown>
>;

// Symbols rather than private fields, which cost an event of a stream as much again as all the rest of it.
const RUN: unique symbol = Symbol('run');
const SEQ: unique symbol = Symbol('seq');

/**
 * What every event has: the context of its run. One instance per event, shared by all its handlers.
 *
 * Fields are read-only and mostly getters, so that an event costs one small object: copy it with
 * {@link RunEvent.toJSON}, never by spread.
 */
export abstract class RunEvent {
  static {
    brand(this, 'class:RunEvent');
  }

  /** Names the kind of event; the discriminant of `CallbackEvent`. */
  abstract readonly type: string;
  /** When it happened, in epoch milliseconds. */
  readonly timestamp: number;
  /** @internal */
  readonly [RUN]: RunInfo;
  /** @internal */
  readonly [SEQ]: number;

  constructor(run: RunInfo, timestamp = Date.now()) {
    this.timestamp = timestamp;
    this[RUN] = run;
    this[SEQ] = run.nextSeq();
  }

  /** The names of the event's own fields, in the order in which its JSON writes them. */
  protected abstract fields(): readonly string[];

  /** `runId:seq`; unique, and ascending within a run. */
  get eventId(): string {
    return `${this[RUN].runId}:${this[SEQ]}`;
  }
  /** The run that the event belongs to. */
  get runId(): string {
    return this[RUN].runId;
  }
  /** The run around it; absent for the root of a tree. */
  get parentRunId(): string | undefined {
    return this[RUN].parentRunId;
  }
  /** The root of the run's tree. */
  get rootRunId(): string {
    return this[RUN].rootRunId;
  }
  /** Id of the inbound request, or a UUID of the run tree's own. */
  get requestId(): string {
    return this[RUN].context.requestId;
  }
  /** W3C trace id: 32 lower-case hex digits. */
  get traceId(): string {
    return this[RUN].context.traceId;
  }
  /** Who the call is made for. */
  get userId(): string | undefined {
    return this[RUN].context.userId;
  }
  /** The tenant that the call is made for. */
  get tenantId(): string | undefined {
    return this[RUN].context.tenantId;
  }
  /** The conversation that the call is part of. */
  get conversationId(): string | undefined {
    return this[RUN].context.conversationId;
  }
  /** What handles the inbound request or message: `Controller.method`. */
  get route(): string | undefined {
    return this[RUN].context.route;
  }
  /** The nearest named client, `'default'` where there is none. */
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
  /** The provider's name or label, where an LLM is involved. */
  get provider(): string | undefined {
    return this[RUN].provider;
  }
  /** The requested model, where an LLM is involved. */
  get model(): string | undefined {
    return this[RUN].model;
  }
  /** Set when the run was started inside a handler. */
  get fromCallback(): FromCallback | undefined {
    return this[RUN].fromCallback;
  }
  /** On a terminal event: `true` when the parent run ended first. */
  get detached(): true | undefined {
    return undefined;
  }

  /**
   * The event as plain JSON: errors written out, bytes as their count, BigInt as strings, cycles cut, and no client
   * objects. Never throws, and is bounded in depth, values and characters: what is left out is marked where it was, as
   * `'[cut: too deep]'`, `'[cut: too large]'`, `'[Circular]'`, `'[Shared]'` or `'[unreadable]'`. It holds prompts and
   * answers: redact it before it is stored.
   */
  toJSON(): EventJson {
    const json: Record<string, unknown> = { v: 1 };
    const self = this as unknown as Record<string, unknown>;
    const copy = newSafeCopy();
    for (const name of [...CONTEXT_FIELDS, ...this.fields()]) {
      // Numbers and ids behind a large field must be there: handlers of stored jobs count by them.
      copy.atLeast(MIN_FIELD_NODES, MIN_FIELD_CHARS);
      const value = fieldJson(self, name, copy);
      if (value !== undefined) json[name] = value;
    }
    return json as EventJson;
  }

  /** Lets `console.log(event)` show the fields, which are getters. */
  [Symbol.for('nodejs.util.inspect.custom')](): unknown {
    return this.toJSON();
  }

  protected get run(): RunInfo {
    return this[RUN];
  }
}

/** The end or the error of a run: its last event. */
export abstract class TerminalEvent extends RunEvent {
  static {
    brand(this, 'class:TerminalEvent');
  }

  /** `true` when the parent run ended first. */
  override get detached(): true | undefined {
    return this.run.detached || undefined;
  }
}

/** A field's JSON, of the form that {@link reviveEvent} asks for, whatever an application put into its context. */
function fieldJson(
  event: Readonly<Record<string, unknown>>,
  name: string,
  copy: BoundedCopy,
): unknown {
  const value = read(event, name);
  // Bounded already, and by itself: its ids must be there too.
  if (name === 'event' && value instanceof RunEvent) return value.toJSON();
  const json = copy.copy(value);
  if (name === 'metadata' && (typeof json !== 'object' || json === null || Array.isArray(json)))
    return { metadata: json ?? UNREADABLE };
  if (name === 'tags' && Array.isArray(json))
    return json.map((tag) => (typeof tag === 'string' ? tag : UNREADABLE));
  return json;
}

/** Some fields are worked out when they are asked for, of what an application gave. */
function read(event: Readonly<Record<string, unknown>>, name: string): unknown {
  try {
    return event[name];
  } catch {
    return UNREADABLE;
  }
}
