import type { StandardSchemaV1 } from './standard-schema.js';

/** A plain JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * The schema of a value: a Standard Schema (zod 4 …), whose output is `T`, or a plain JSON Schema.
 *
 * @example
 * ```ts
 * const order: Schema<{ id: string }> = z.object({ id: z.string() });
 * const plain: Schema<{ id: string }> = { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] };
 * ```
 */
export type Schema<T = unknown> = StandardSchemaV1<unknown, T> | JsonSchema;

/** A value that matches, as the schema transformed it; or its issues, in text that quotes no values. */
export type ValidationResult<T> = { readonly value: T } | { readonly issues: string };

/** A schema that can be sent to providers, and checks their answers. */
export interface CompiledSchema<T = unknown> {
  /** What providers get: draft 2020-12, of the value before defaults and transforms. */
  readonly jsonSchema: JsonSchema;
  /** Never throws, and does not modify the value; returns a promise only if the schema itself checks asynchronously. */
  readonly validate: (value: unknown) => ValidationResult<T> | Promise<ValidationResult<T>>;
}
