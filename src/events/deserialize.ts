import { InvalidEventError } from '../errors/callbacks-error.js';
import { CONTEXT_FIELDS, type RunEvent } from './event.js';
import { EVENTS, type CallbackEvent, type EventType } from './event-map.js';

type Json = Readonly<Record<string, unknown>>;

/** What an event cannot do without, and how to tell that it is there. */
const REQUIRED = {
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
} satisfies Readonly<Record<string, (value: unknown) => boolean>>;

/**
 * Makes an event of the JSON that {@link RunEvent.toJSON} wrote, maybe in another process: an instance of the same
 * class, whose `toJSON()` gives the same JSON again.
 *
 * Its fields are plain data: nothing alive comes back. Errors are instances of `Error` with the `name`, `message`,
 * `code`, `retryable` and `status` that they had; which class they were of, their `name` tells. Bytes stay `{ bytes,
 * mediaType }`.
 *
 * @throws InvalidEventError for what is no JSON of an event: it names what is wrong, never the content
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
  // By our own table: nothing that is written in a JSON ever names what is built of it.
  if (typeof type !== 'string' || !Object.hasOwn(EVENTS, type))
    throw invalid('there is no event of its `type`');
  for (const [name, isFit] of Object.entries(REQUIRED)) {
    if (!isFit(own(json, name))) throw invalid(`its \`${name}\` is missing or wrong`);
  }
  return build(type as EventType, json);
}

function build(type: EventType, json: Json): CallbackEvent {
  const event = Object.create(EVENTS[type].event.prototype) as RunEvent;
  const { fields } = event as unknown as { fields: () => readonly string[] };
  // All of them, those that are absent too: the getters that they hide have no run to ask.
  for (const name of [...CONTEXT_FIELDS, ...fields.call(event)]) {
    Object.defineProperty(event, name, {
      value: reviveField(name, own(json, name)),
      enumerable: true,
    });
  }
  return event as CallbackEvent;
}

/** Errors stand in a few places only; what merely looks like one, in a result or in metadata, stays as it is. */
function reviveField(name: string, value: unknown): unknown {
  switch (name) {
    case 'error':
      return reviveError(value);
    case 'attempts':
      return reviveAttempts(value);
    case 'response':
      return isObject(value) && Array.isArray(own(value, 'attempts'))
        ? { ...value, attempts: reviveAttempts(value['attempts']) }
        : value;
    case 'event':
      // An error in a handler of `callback.error` is never told, so there is one level and no more.
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
  // Where it was thrown is not known; here it was not.
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

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function invalid(what: string): InvalidEventError {
  return new InvalidEventError(`This is not the JSON of an event: ${what}.`);
}
