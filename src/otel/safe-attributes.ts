import type { Attributes } from '@opentelemetry/api';
import type { CallbackEvent } from '../events/event-map.js';
import { fieldOf, sanitizeLogLine } from '../util/log.js';
import { ATTR, OWN_ATTR } from './names.js';

/** Attributes whose texts this package knows; all others come from callers, servers and models. */
const KNOWN: ReadonlySet<string> = new Set([
  ATTR.operationName,
  ATTR.outputType,
  ATTR.toolType,
  ATTR.openaiApiType,
  ATTR.responseFinishReasons,
  OWN_ATTR.runId,
  OWN_ATTR.origin,
  OWN_ATTR.approvalStatus,
]);

type Text = string | string[];

/** Attributes as they may leave the process: texts are redacted, and have no characters that break or forge lines. */
export function safeAttributes(event: CallbackEvent, attributes: Attributes): Attributes {
  const texts: Record<string, Text> = {};
  let isEmpty = true;
  for (const [name, value] of Object.entries(attributes)) {
    if (!isText(value) || KNOWN.has(name)) continue;
    texts[name] = value;
    isEmpty = false;
  }
  if (isEmpty) return attributes;
  // One value, because redactors may know names. One that fails gives a text.
  const redacted = event.redacted('span', texts);
  const safe = { ...attributes };
  for (const name of Object.keys(texts)) {
    const value: unknown = typeof redacted === 'string' ? redacted : fieldOf(redacted, name);
    safe[name] = isText(value) ? sanitized(value) : undefined;
  }
  return safe;
}

function isText(value: unknown): value is Text {
  if (Array.isArray(value)) return value.every((one) => typeof one === 'string');
  return typeof value === 'string';
}

function sanitized(value: Text): Text {
  return typeof value === 'string' ? sanitizeLogLine(value) : value.map(sanitizeLogLine);
}
