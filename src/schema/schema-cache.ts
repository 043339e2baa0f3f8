import { toAnswerSchema, type AnswerSchema } from './answer-schema.js';
import { compileSchema } from './compile-schema.js';
import { JsonSchemaValidators } from './json-schema-validator.js';
import type { CompiledSchema, Schema } from './schema.js';

/** Compiles each schema once, for as long as its owner keeps it. */
export class SchemaCache {
  readonly #validators = new JsonSchemaValidators();
  readonly #compiled = new WeakMap<object, CompiledSchema>();
  readonly #ofAnswers = new WeakMap<CompiledSchema, AnswerSchema>();

  /**
   * @param place the owner of the schema, for errors
   * @throws CallbacksConfigurationError as `compileSchema()` does
   */
  compile<T>(schema: Schema<T>, place: string): CompiledSchema<T> {
    const known = this.#compiled.get(schema);
    // The cached value was compiled from this very schema.
    if (known !== undefined) return known as CompiledSchema<T>;
    const compiled = compileSchema(schema, place, this.#validators);
    this.#compiled.set(schema, compiled);
    return compiled;
  }

  /** The same, prepared for whole answers, with the same parameters and errors. */
  compileAnswer(schema: Schema, place: string): AnswerSchema {
    const compiled = this.compile(schema, place);
    const known = this.#ofAnswers.get(compiled);
    if (known !== undefined) return known;
    const ofAnswers = toAnswerSchema(compiled);
    this.#ofAnswers.set(compiled, ofAnswers);
    return ofAnswers;
  }
}
