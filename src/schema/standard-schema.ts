/**
 * A schema of any library that speaks Standard Schema: zod 4, Valibot, ArkType … Structural, so that nothing needs to be
 * installed for it: the parts of https://standardschema.dev and https://standardschema.dev/json-schema that are used.
 *
 * @example
 * ```ts
 * const schema: StandardSchemaV1<unknown, { city: string }> = z.object({ city: z.string() });
 * ```
 */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': StandardSchemaProps<Input, Output>;
}

/** What a Standard Schema can do. */
export interface StandardSchemaProps<Input = unknown, Output = Input> {
  readonly version: 1;
  /** The library that made it. */
  readonly vendor: string;
  /** Checks a value, and gives what it becomes. */
  readonly validate: (
    value: unknown,
  ) => StandardSchemaResult<Output> | Promise<StandardSchemaResult<Output>>;
  /** For type inference alone. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  /** The schema as JSON Schema, of libraries that can write it. */
  readonly jsonSchema?:
    | { readonly input: (options: { readonly target: string }) => Record<string, unknown> }
    | undefined;
}

/** A value that fits, or what does not fit about it. */
export type StandardSchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardSchemaIssue[] };

/** One thing that does not fit. */
export interface StandardSchemaIssue {
  readonly message: string;
  /** The way to it from the root. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}
