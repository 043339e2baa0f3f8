import type { LlmRequest } from '../shapes/index.js';

/** The options that a call and an agent have in common. */
export type SamplingOptions = Partial<
  Pick<LlmRequest, 'maxOutputTokens' | 'temperature' | 'stop' | 'toolChoice' | 'providerOptions'>
>;

const TOOL_CHOICES: ReadonlySet<unknown> = new Set(['auto', 'none', 'required']);

/** What is wrong with the options of a call, in words for an error; `undefined` where nothing is. */
export function faultOf(options: SamplingOptions): string | undefined {
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
  if (providerOptions !== undefined && !isPlainObject(providerOptions))
    return 'providerOptions must be an object: the options of the provider’s API by name.';
  return undefined;
}

/** Those options alone, and only where they are given. */
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

function isPlainObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
