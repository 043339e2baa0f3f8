import { isOptions, kindOf, optionNames, unknownOption } from '../util/known-options.js';
import type { LlmOptions } from './llm-options.js';

const LLM_OPTIONS = optionNames<LlmOptions>({
  provider: true,
  model: true,
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
  const { apiKey, baseURL, label, defaultHeaders } = options as Record<keyof LlmOptions, unknown>;
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
