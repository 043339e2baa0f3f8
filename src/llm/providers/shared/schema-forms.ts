import type { JsonSchema } from '../../../schema/schema.js';
import type { LlmRequest } from '../../../types/llm.js';
import { textsOf } from './history.js';

/**
 * How a schema is sent: by the API's own schema option; as an instruction, with the option for free-form JSON; or as an
 * instruction only.
 */
type SchemaForm = 'schema' | 'json' | 'words';

/** What a request encoder knows about the server. */
export interface EncodeHints {
  readonly schemaForm: SchemaForm;
}

/** A client has few models, but names may come from callers, so the number of remembered ones is bounded. */
const MAX_MODELS = 1_000;

/** Names of the option: `response_format`, `json_schema`, `output_config`, `text.format`, "structured outputs" … */
const OPTION =
  /response[ _]?format|json[ _]?schema|json[ _]?mode|structured[ _-]?outputs?|output[ _](?:config|format)|text\.format/i;
/** Phrases of servers that do not support an option, or a value of it. */
const NOT_SUPPORTED =
  /unsupported|unavailable|unknown|unrecogni[sz]ed|(?:\bnot|n['’]t|\bonly|\bno)\b.{0,40}?\b(?:support|available|allow|permit|implement|enabled|accept|recogni[sz]|known|valid)|\bonly (?:for|in|on|with)\b|(?:should|must) be|expected|invalid (?:value|parameter)/i;
/** Phrases about the schema itself, which the caller must change: another form would only hide the mistake. */
const ABOUT_THE_SCHEMA =
  /invalid (?:json[ _]?)?schema|schema for|format\.schema|json_schema\.(?:schema|name)|keyword|propert(?:y|ies)|\$ref/i;
/** The option is supported, but not its value for schemas. */
const ABOUT_THE_VALUE =
  /json[ _]?(?:schema|object)|format\W*(?:of )?type|structured[ _-]?outputs?|api[ -]?version/i;

/**
 * The form that each model of a client accepts, learned from rejections: servers without a schema option reject
 * requests.
 */
export class SchemaForms {
  readonly #byModel = new Map<string, SchemaForm>();

  /** The form for a request. */
  of({ model }: LlmRequest): SchemaForm {
    return this.#byModel.get(model) ?? 'schema';
  }

  /**
   * Records why a request in a form failed.
   *
   * @returns whether to send the same request again, in the form that is now recorded
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

/** Whether a caller chooses the form with an option of the API, which is sent as it is. */
function choosesForm(options: LlmRequest['providerOptions']): boolean {
  const text = Object(options?.['text']) as { format?: unknown };
  const chosen = [options?.['response_format'], options?.['output_config'], text.format];
  return chosen.some((value) => value !== undefined);
}

/** The remaining form, by the text of a server that rejected a request; `undefined` if it rejected something else. */
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
