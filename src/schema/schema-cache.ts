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
   * @param place whose schema it is, for errors
   * @throws CallbacksConfigurationError as `compileSchema()` does
   */
  compile<T>(schema: Schema<T>, place: string): CompiledSchema<T> {
    const known = this.#compiled.get(schema);
    // What was kept for this very schema was compiled from it.
    if (known !== undefined) return known as CompiledSchema<T>;
    const compiled = compileSchema(schema, place, this.#validators);
    this.#compiled.set(schema, compiled);
    return compiled;
  }

  /** The same, made ready for whole answers; its parameters and errors are the same. */
  compileAnswer(schema: Schema, place: string): AnswerSchema {
    const compiled = this.compile(schema, place);
    const known = this.#ofAnswers.get(compiled);
    if (known !== undefined) return known;
    const ofAnswers = toAnswerSchema(compiled);
    this.#ofAnswers.set(compiled, ofAnswers);
    return ofAnswers;
  }
}
