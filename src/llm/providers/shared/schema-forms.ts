import type { JsonSchema } from '../../../schema/schema.js';
import type { LlmRequest } from '../../../types/llm.js';
import { textsOf } from './texts-of.js';

/**
 * How a schema is sent: by the API's own option for schemas; in words, beside the option for JSON of any form; or in words
 * alone.
 */
export type SchemaForm = 'schema' | 'json' | 'words';

/** What the encoder of a request knows of the server. */
export interface EncodeHints {
  readonly schemaForm: SchemaForm;
}

/** Models of one client are few; names may come from callers, so there is an end to how many are remembered. */
const MAX_MODELS = 1_000;

/** What the option is called: `response_format`, `json_schema`, `output_config`, `text.format`, "structured outputs" … */
const OPTION =
  /response[ _]?format|json[ _]?schema|json[ _]?mode|structured[ _-]?outputs?|output[ _](?:config|format)|text\.format/i;
/** Words of servers that do not know an option, or a value of it. */
const NOT_SUPPORTED =
  /unsupported|unavailable|unknown|unrecogni[sz]ed|(?:\bnot|n['’]t|\bonly|\bno)\b.{0,40}?\b(?:support|available|allow|permit|implement|enabled|accept|recogni[sz]|known|valid)|\bonly (?:for|in|on|with)\b|(?:should|must) be|expected|invalid (?:value|parameter)/i;
/** Words about the schema itself, which the caller must change: another form would only hide the mistake. */
const ABOUT_THE_SCHEMA =
  /invalid (?:json[ _]?)?schema|schema for|format\.schema|json_schema\.(?:schema|name)|keyword|propert(?:y|ies)|\$ref/i;
/** The option is known, and its value for schemas is not. */
const ABOUT_THE_VALUE =
  /json[ _]?(?:schema|object)|format\W*(?:of )?type|structured[ _-]?outputs?|api[ -]?version/i;

/** The form that each model of a client takes, found by asking; servers without an option for schemas refuse requests. */
export class SchemaForms {
  readonly #byModel = new Map<string, SchemaForm>();

  /** The form for a request. */
  of({ model }: LlmRequest): SchemaForm {
    return this.#byModel.get(model) ?? 'schema';
  }

  /**
   * Notes why a request failed that was sent in a form.
   *
   * @returns whether the same request is to be sent again, in the form that is now noted
   */
  failed(
    { model, schema, providerOptions }: LlmRequest,
    form: SchemaForm,
    thrown: unknown,
  ): boolean {
    if (schema === undefined || form === 'words' || choosesForm(providerOptions)) return false;
    const refused = refusedForm(thrown);
    if (refused === undefined) return false;
    if (this.#byModel.size >= MAX_MODELS) this.#byModel.clear();
    this.#byModel.set(model, form === 'json' ? 'words' : refused);
    return form === 'schema';
  }
}

/** Whether a caller chooses the form by an option of the API, which is sent as it is. */
function choosesForm(options: LlmRequest['providerOptions']): boolean {
  const text = Object(options?.['text']) as { format?: unknown };
  const chosen = [options?.['response_format'], options?.['output_config'], text.format];
  return chosen.some((value) => value !== undefined);
}

/** The form that remains, by the words of a server that refused a request; `undefined` where it refused something else. */
function refusedForm(thrown: unknown): 'json' | 'words' | undefined {
  const { status } = Object(thrown) as { status?: unknown };
  if (status !== 400 && status !== 422) return undefined;
  const words = textsOf(thrown);
  const isMeant = OPTION.test(words) && NOT_SUPPORTED.test(words) && !ABOUT_THE_SCHEMA.test(words);
  if (!isMeant) return undefined;
  return ABOUT_THE_VALUE.test(words) ? 'json' : 'words';
}

/** A schema as an instruction to the model. */
export function schemaInWords(schema: JsonSchema): string {
  return `Answer with JSON and nothing else. It must fit this JSON Schema:\n${JSON.stringify(schema)}`;
}
