import type { StandardSchemaV1 } from './standard-schema.js';

/** A plain JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * What a value must look like: a Standard Schema (zod 4 …), whose output is `T`, or a plain JSON Schema.
 *
 * @example
 * ```ts
 * const order: Schema<{ id: string }> = z.object({ id: z.string() });
 * const plain: Schema<{ id: string }> = { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] };
 * ```
 */
export type Schema<T = unknown> = StandardSchemaV1<unknown, T> | JsonSchema;

/** A value that fits, as the schema made it; or what does not fit about it, in words that quote no values. */
export type ValidationResult<T> = { readonly value: T } | { readonly issues: string };

/** A schema that can be sent to providers, and checks what they answer. */
export interface CompiledSchema<T = unknown> {
  /** What providers are sent: draft 2020-12, of the value before defaults and transforms. */
  readonly jsonSchema: JsonSchema;
  /** Never throws, and leaves the value as it is; a promise only where the schema itself checks asynchronously. */
  readonly validate: (value: unknown) => ValidationResult<T> | Promise<ValidationResult<T>>;
}
