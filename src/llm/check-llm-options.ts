import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import {
  faultOfRunContext,
  RUN_CONTEXT_OPTIONS,
  type RunContext,
} from '../runs/request-context.js';
import type { LlmRequest } from '../types/llm.js';
import {
  isOptions,
  kindOf,
  optionNames,
  type OptionNames,
  unknownOption,
} from '../util/known-options.js';
import type { EmbedOptions, LlmOptions, LlmStreamOptions } from './llm-options.js';

const LLM_OPTIONS = optionNames<LlmOptions>({
  provider: true,
  model: true,
  embeddingModel: true,
  api: true,
  client: true,
  apiKey: true,
  baseURL: true,
  timeout: true,
  maxRetries: true,
  defaultHeaders: true,
  label: true,
  limitParameter: true,
  resolve: true,
  maxClients: true,
});

/** Describes client options that are unknown or have the wrong type. Errors never include their values. */
export function faultOfLlmOptions(options: unknown): string | undefined {
  if (!isOptions(options))
    return `llm must be an object, as { provider, model }, not ${kindOf(options)}.`;
  const unknown = unknownOption(options, LLM_OPTIONS);
  if (unknown !== undefined) return `llm has no ${unknown}.`;
  const { apiKey, baseURL, label, defaultHeaders, embeddingModel } = options as Record<
    keyof LlmOptions,
    unknown
  >;
  if (embeddingModel === '' || !isTextOrMissing(embeddingModel))
    return `llm.embeddingModel must be the name of a model, not ${embeddingModel === '' ? 'an empty text' : kindOf(embeddingModel)}.`;
  if (!isTextOrMissing(apiKey) && typeof apiKey !== 'function')
    return `llm.apiKey must be a text, or a function that gives one, not ${kindOf(apiKey)}.`;
  if (!isTextOrMissing(baseURL)) return `llm.baseURL must be a text, not ${kindOf(baseURL)}.`;
  if (!isTextOrMissing(label)) return `llm.label must be a text, not ${kindOf(label)}.`;
  if (defaultHeaders !== undefined && !isOptions(defaultHeaders))
    return `llm.defaultHeaders must be an object of headers by name, not ${kindOf(defaultHeaders)}.`;
  return undefined;
}

function isTextOrMissing(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

/** The options that a call and an agent have in common. */
export type SamplingOptions = Partial<
  Pick<LlmRequest, 'maxOutputTokens' | 'temperature' | 'stop' | 'toolChoice' | 'providerOptions'>
>;

/** Other options that both share. */
interface StopOptions {
  /** The model to call. */
  model?: string;
  /** Aborts the call. */
  signal?: AbortSignal;
}

/** The names of {@link SamplingOptions}. */
export const SAMPLING_OPTIONS = {
  maxOutputTokens: true,
  temperature: true,
  stop: true,
  toolChoice: true,
  providerOptions: true,
} as const satisfies Record<keyof SamplingOptions, true>;

const CALL_OPTIONS = optionNames<LlmStreamOptions>({
  model: true,
  system: true,
  tools: true,
  schema: true,
  signal: true,
  timeoutMs: true,
  callbacks: true,
  collect: true,
  ...SAMPLING_OPTIONS,
  ...RUN_CONTEXT_OPTIONS,
});

const EMBED_OPTIONS = optionNames<EmbedOptions>({
  model: true,
  dimensions: true,
  signal: true,
  timeoutMs: true,
  callbacks: true,
  providerOptions: true,
  ...RUN_CONTEXT_OPTIONS,
});

const TOOL_CHOICES: ReadonlySet<unknown> = new Set(['auto', 'none', 'required']);

/**
 * Rejects unknown options of a call, which would otherwise be ignored silently.
 *
 * @throws CallbacksConfigurationError which names the option, and the one that was probably meant
 */
export function checkCallOptions(options: unknown): asserts options is object {
  checkNames(options, CALL_OPTIONS, 'A call');
}

/** {@link checkCallOptions} for a call that embeds texts. */
export function checkEmbedOptions(options: unknown): asserts options is object {
  checkNames(options, EMBED_OPTIONS, 'A call of embed()');
}

function checkNames(options: unknown, names: OptionNames, what: string): void {
  if (!isOptions(options)) {
    throw new CallbacksConfigurationError(
      `The options of a call must be an object, not ${kindOf(options)}.`,
    );
  }
  const unknown = unknownOption(options, names);
  if (unknown !== undefined) throw new CallbacksConfigurationError(`${what} has no ${unknown}.`);
}

/** What is wrong with the options of a call or an agent, as text for an error; `undefined` if nothing is. */
export function faultOf(options: SamplingOptions & RunContext & StopOptions): string | undefined {
  const { model, signal } = options;
  if (model !== undefined && (typeof model !== 'string' || model === ''))
    return `model must be the name of a model, not ${model === '' ? 'an empty text' : kindOf(model)}.`;
  if (signal !== undefined && !isSignal(signal))
    return `signal must be an AbortSignal, not ${kindOf(signal)}.`;
  return faultOfSampling(options) ?? faultOfRunContext(options);
}

/** Accepts signals of any library or realm. */
function isSignal(value: unknown): boolean {
  const { aborted, addEventListener } = Object(value) as Partial<AbortSignal>;
  return typeof aborted === 'boolean' && typeof addEventListener === 'function';
}

function faultOfSampling(options: SamplingOptions): string | undefined {
  const { maxOutputTokens, temperature, stop, toolChoice, providerOptions } = options;
  if (
    maxOutputTokens !== undefined &&
    !(Number.isInteger(maxOutputTokens) && maxOutputTokens > 0)
  ) {
    return 'maxOutputTokens must be a whole number above 0; leave it out for the provider’s limit.';
  }
  if (temperature !== undefined && !(temperature >= 0))
    return 'temperature must be a number of 0 or more.';
  if (stop !== undefined && !isListOfTexts(stop)) return 'stop must be a list of texts.';
  if (toolChoice !== undefined && !isToolChoice(toolChoice))
    return "toolChoice must be 'auto', 'none', 'required', or { name } of a tool.";
  if (providerOptions !== undefined && !isOptions(providerOptions))
    return 'providerOptions must be an object: the options of the provider’s API by name.';
  return undefined;
}

/** Only the sampling options, and only those that are set. */
export function samplingOf(options: SamplingOptions): SamplingOptions {
  const { maxOutputTokens, temperature, stop, toolChoice, providerOptions } = options;
  return {
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(stop !== undefined && { stop }),
    ...(toolChoice !== undefined && { toolChoice }),
    ...(providerOptions !== undefined && { providerOptions }),
  };
}

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isToolChoice(value: unknown): boolean {
  if (TOOL_CHOICES.has(value)) return true;
  const { name } = Object(value) as { name?: unknown };
  return typeof name === 'string' && name !== '';
}
