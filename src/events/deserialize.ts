import { InvalidEventError } from '../errors/callbacks-error.js';
import type { Redactor } from '../redaction/redactor.js';
import { CONTEXT_FIELDS, REDACTOR, type RunEvent } from './event.js';
import { EVENTS, type CallbackEvent, type EventType } from './event-map.js';

type Json = Readonly<Record<string, unknown>>;

/** The checked fields of an event, with their checks. */
const CHECKED = {
  eventId: isText,
  runId: isText,
  rootRunId: isText,
  requestId: isText,
  traceId: isText,
  scope: isText,
  scopes: isTexts,
  tags: isTexts,
  metadata: isObject,
  timestamp: Number.isFinite,
  // Absent in the JSON of earlier versions; later ones may have more origins.
  origin: isAbsentOrText,
} satisfies Readonly<Record<string, (value: unknown) => boolean>>;

/**
 * Creates an event from the JSON of {@link RunEvent.toJSON}, possibly from another process: an instance of the same
 * class, whose `toJSON()` returns the same JSON.
 *
 * Its fields are plain data, and `origin` is `'own'` if the JSON has none, as that of earlier versions; live objects are not restored. Errors are instances of `Error` with the original `name`,
 * `message`, `code`, `retryable` and `status`; check `name` instead of the class. Bytes stay `{ bytes, mediaType }`.
 *
 * @throws InvalidEventError if `json` is not an event's JSON: it names the fault, never the content
 *
 * @example
 * ```ts
 * const event = reviveEvent(JSON.parse(row.json));
 * if (event instanceof LlmEndEvent) this.total += event.cost ?? 0;
 * ```
 */
export function reviveEvent(json: unknown): CallbackEvent {
  if (!isObject(json)) throw invalid('it is not an object');
  if (own(json, 'v') !== 1) throw invalid('its version `v` is not 1');
  const type = own(json, 'type');
  // The class comes from this package's table: the JSON never chooses what is constructed.
  if (typeof type !== 'string' || !Object.hasOwn(EVENTS, type))
    throw invalid('there is no event of its `type`');
  for (const [name, isFit] of Object.entries(CHECKED)) {
    if (!isFit(own(json, name))) throw invalid(`its \`${name}\` is missing or wrong`);
  }
  return build(type as EventType, json);
}

/** {@link reviveEvent} for an application: the event is redacted by its redactor. */
export function reviveEventFor(redactor: Redactor, json: unknown): CallbackEvent {
  return Object.defineProperty(reviveEvent(json), REDACTOR, { value: redactor });
}

function build(type: EventType, json: Json): CallbackEvent {
  const event = Object.create(EVENTS[type].event.prototype) as RunEvent;
  const { fields } = event as unknown as { fields: () => readonly string[] };
  // Define all fields, including absent ones: the getters that they shadow have no run.
  for (const name of [...CONTEXT_FIELDS, ...fields.call(event)]) {
    Object.defineProperty(event, name, {
      value: reviveField(name, json),
      enumerable: true,
    });
  }
  return event as CallbackEvent;
}

/** Errors occur in a few fields only; a value that looks like an error, in a result or in metadata, stays unchanged. */
function reviveField(name: string, json: Json): unknown {
  const value = own(json, name);
  switch (name) {
    case 'origin':
      return value ?? 'own';
    case 'observed':
      // As the getter does, so that the two fields never contradict each other.
      return (own(json, 'origin') ?? 'own') !== 'own';
    case 'error':
      return reviveError(value);
    case 'attempts':
      return reviveAttempts(value);
    case 'response':
      return isObject(value) && Array.isArray(own(value, 'attempts'))
        ? { ...value, attempts: reviveAttempts(value['attempts']) }
        : value;
    case 'event':
      // An error in a handler of `callback.error` is never emitted, so there is only one level.
      if (isObject(value) && own(value, 'type') === 'callback.error')
        throw invalid('its `event` is a callback.error itself');
      return reviveEvent(value);
    default:
      return value;
  }
}

function reviveAttempts(attempts: unknown): unknown {
  if (!Array.isArray(attempts)) return attempts;
  return attempts.map((attempt: unknown) =>
    isObject(attempt) && Object.hasOwn(attempt, 'error')
      ? { ...attempt, error: reviveError(attempt['error']) }
      : attempt,
  );
}

function reviveError(json: unknown): unknown {
  if (!isObject(json) || !isText(own(json, 'name')) || typeof own(json, 'message') !== 'string')
    return json;
  const { name, message, code, retryable, status } = json as Record<string, string>;
  const error = new Error(message);
  // The original stack is unknown, and the current one would be misleading.
  error.stack = `${name}: ${message}`;
  return Object.assign(error, {
    name,
    ...(code !== undefined && { code }),
    retryable,
    ...(status !== undefined && { status }),
  });
}

function own(json: Json, name: string): unknown {
  return Object.hasOwn(json, name) ? json[name] : undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isAbsentOrText(value: unknown): boolean {
  return value === undefined || isText(value);
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function invalid(what: string): InvalidEventError {
  return new InvalidEventError(`This is not the JSON of an event: ${what}.`);
}
