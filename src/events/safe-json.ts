import { describeError } from '../errors/index.js';

/**
 * A copy of `value` that `JSON.stringify` writes as it is: errors as `{ name, code, message, retryable, status? }`,
 * bytes as `{ bytes, mediaType? }`, BigInt as strings, dates in ISO form, maps and sets as objects and lists, cycles
 * cut; functions, streams, signals and SDK clients are left out (`undefined`).
 */
export function toSafeJson(value: unknown): unknown {
  return copy(value, []);
}

function copy(value: unknown, path: object[], mediaType?: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return String(value);
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'function':
    case 'symbol':
      return undefined;
    case 'object':
      break;
    default:
      return value;
  }
  if (value === null) return null;
  if (path.includes(value)) return '[Circular]';
  path.push(value);
  try {
    return copyObject(value, path, mediaType);
  } finally {
    path.pop();
  }
}

function copyObject(value: object, path: object[], mediaType: unknown): unknown {
  if (value instanceof Error) return describeError(value);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return { bytes: value.byteLength, ...(typeof mediaType === 'string' && { mediaType }) };
  }
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (Array.isArray(value) || value instanceof Set)
    return Array.from(value, (item) => copy(item, path) ?? null);
  if (value instanceof Map) return copyEntries(value.entries(), path);
  if (isLive(value)) return undefined;
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') return copy(Reflect.apply(toJSON, value, []), path);
  return copyEntries(ownEntries(value), path, (value as { mediaType?: unknown }).mediaType);
}

function copyEntries(
  entries: Iterable<[unknown, unknown]>,
  path: object[],
  mediaType?: unknown,
): object {
  const copies: [string, unknown][] = [];
  for (const [key, item] of entries) {
    const copied = copy(item, path, mediaType);
    if (copied !== undefined) copies.push([String(key), copied]);
  }
  // fromEntries defines properties, so a key named __proto__ stays a key.
  return Object.fromEntries(copies);
}

/** The fields of an object; but the `raw` of an answer is the SDK's own object. */
function ownEntries(value: object): [string, unknown][] {
  const entries = Object.entries(value);
  return 'finishReason' in value ? entries.filter(([key]) => key !== 'raw') : entries;
}

/** Objects that do something rather than hold something: clients, emitters, streams, promises, signals. */
function isLive(value: object): boolean {
  const it = value as Record<string, unknown>;
  return (
    value instanceof Promise ||
    value instanceof WeakMap ||
    value instanceof WeakSet ||
    value instanceof EventTarget ||
    typeof it['pipe'] === 'function' ||
    typeof it['getReader'] === 'function' ||
    typeof it['emit'] === 'function' ||
    typeof it['subscribe'] === 'function' ||
    (typeof it['baseURL'] === 'string' && 'maxRetries' in it)
  );
}
