import type { RedactionPlace, Redactor } from '../redaction/redactor.js';
import type { EventJson } from './event.js';

type Json = Readonly<Record<string, unknown>>;

/** What identifies an event, its run and its place: never redacted, so that the JSON stays one of an event. */
const KEPT = [
  'v',
  'type',
  'eventId',
  'runId',
  'parentRunId',
  'rootRunId',
  'requestId',
  'traceId',
  'spanId',
  'scope',
  'scopes',
  'timestamp',
  'fromCallback',
  'origin',
  'observed',
  'detached',
] as const;

/**
 * Redacts the JSON of an event. The result is one of the same event, whatever the redactor returns: its ids are kept,
 * `tags` is a list of texts and `metadata` an object. If the redactor returned no object, it is the field `content`.
 */
export function redactEvent(json: EventJson, redactor: Redactor, place: RedactionPlace): EventJson {
  const redacted = redactor.redact(json, place);
  return redacted === json ? json : (keepEvent(json, redacted) as EventJson);
}

function keepEvent(json: Json, redacted: unknown): Json {
  const ids = Object.fromEntries(
    KEPT.filter((name) => Object.hasOwn(json, name)).map((name) => [name, json[name]]),
  );
  const content: Json = isObject(redacted) ? redacted : { content: redacted };
  const names = Object.keys(content).filter((name) => !(KEPT as readonly string[]).includes(name));
  return {
    ...ids,
    tags: toTags(own(content, 'tags')),
    metadata: toMetadata(own(content, 'metadata')),
    ...Object.fromEntries(
      names
        .filter((name) => name !== 'tags' && name !== 'metadata')
        .map((name) => [name, toField(name, content[name], json)]),
    ),
  };
}

function toTags(tags: unknown): string[] {
  const list: unknown[] = Array.isArray(tags) ? tags : tags === undefined ? [] : [tags];
  return list.filter((tag) => typeof tag === 'string');
}

function toMetadata(metadata: unknown): Json {
  if (metadata === undefined) return {};
  return isObject(metadata) ? metadata : { metadata };
}

/** The event of a `callback.error` stays one as well. */
function toField(name: string, value: unknown, json: Json): unknown {
  const event = own(json, name);
  return name === 'event' && isObject(event) && isObject(own(event, 'metadata'))
    ? keepEvent(event, value)
    : value;
}

function own(json: Json, name: string): unknown {
  return Object.hasOwn(json, name) ? json[name] : undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
