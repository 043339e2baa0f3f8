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

/**
 * A schema of any library that implements Standard Schema: zod 4, Valibot, ArkType … Structural, so that no package
 * needs to be installed: only the parts of https://standardschema.dev and https://standardschema.dev/json-schema that
 * are used.
 *
 * @example
 * ```ts
 * const schema: StandardSchemaV1<unknown, { city: string }> = z.object({ city: z.string() });
 * ```
 */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': StandardSchemaProps<Input, Output>;
}

/** The interface of a Standard Schema. */
export interface StandardSchemaProps<Input = unknown, Output = Input> {
  readonly version: 1;
  /** The library that created it. */
  readonly vendor: string;
  /** Checks a value, and returns its output. */
  readonly validate: (
    value: unknown,
  ) => StandardSchemaResult<Output> | Promise<StandardSchemaResult<Output>>;
  /** For type inference only. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  /** The schema as JSON Schema, from libraries that can write it. */
  readonly jsonSchema?:
    | { readonly input: (options: { readonly target: string }) => Record<string, unknown> }
    | undefined;
}

/** A value that matches, or its issues. */
export type StandardSchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardSchemaIssue[] };

/** One mismatch. */
export interface StandardSchemaIssue {
  readonly message: string;
  /** The path from the root. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}
