import type { WireObject } from './wire-values.js';

/** Reads the fields of a request's body, and keeps those that were not read. */
export class RequestFields {
  readonly #body: WireObject;
  readonly #read: Set<string>;

  /** @param omitted names of fields that say nothing about the request itself */
  constructor(body: WireObject, omitted: readonly string[]) {
    this.#body = body;
    this.#read = new Set(omitted);
  }

  /** The converted value of a field; a value that is converted to `undefined` is not read. */
  read<T>(name: string, convert: (value: unknown) => T | undefined): T | undefined {
    const value = convert(this.#body[name]);
    if (value !== undefined) this.#read.add(name);
    return value;
  }

  /** The fields that were not read, unchanged; `undefined` if there are none. */
  get rest(): Record<string, unknown> | undefined {
    const rest = Object.entries(this.#body).filter(
      ([name, value]) => value !== undefined && !this.#read.has(name),
    );
    // It defines each field: assigning one with the name `__proto__` would change the prototype.
    return rest.length > 0 ? Object.fromEntries(rest) : undefined;
  }
}

/** Removes absent fields, so that they are not shown as `undefined`. The object must be new. */
export function withoutAbsent<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  for (const [name, value] of Object.entries(fields))
    if (value === undefined) delete fields[name as keyof T];
  return fields as T;
}

/** A text as it is. */
export function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A finite number as it is. */
export function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
