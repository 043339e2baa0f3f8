import type { LlmOptions } from './llm-options.js';
import { classNames } from './providers/shared/sdk-error.js';

type ServerOptions = Pick<LlmOptions, 'client' | 'baseURL' | 'limitParameter'>;

/** The names of the output token limit in chat completions: the current one and its deprecated form. */
export const LIMIT_PARAMETERS = ['max_completion_tokens', 'max_tokens'] as const;
export type LimitParameter = (typeof LIMIT_PARAMETERS)[number];

const BASE_URL_VARIABLES: Readonly<Record<string, string>> = {
  openai: 'OPENAI_BASE_URL',
  anthropic: 'ANTHROPIC_BASE_URL',
};

/** The classes of SDK clients that serve only one provider. */
const LABEL_BY_CLASS: Readonly<Record<string, string>> = {
  AzureOpenAI: 'azure',
  AnthropicFoundry: 'azure',
  BedrockOpenAI: 'bedrock',
  AnthropicBedrock: 'bedrock',
  AnthropicBedrockMantle: 'bedrock',
  AnthropicVertex: 'vertex',
};

/**
 * The label of each host. Labels are provider ids that `@pydantic/genai-prices` resolves, so that the prices of its
 * list are found.
 */
const LABEL_BY_HOST: readonly (readonly [RegExp, string])[] = [
  [/(?:^|\.)api\.openai\.com$/, 'openai'],
  [/(?:^|\.)api\.anthropic\.com$/, 'anthropic'],
  [/\.(?:openai|cognitiveservices|services\.ai)\.azure\.(?:com|us|cn)$/, 'azure'],
  [
    /(?:^|\.)bedrock[a-z-]*\.[a-z0-9-]+\.(?:(?:vpce\.)?amazonaws\.com(?:\.cn)?|api\.aws)$/,
    'bedrock',
  ],
  [/(?:^|[.-])aiplatform\.(?:[a-z0-9-]+\.rep\.)?googleapis\.com$/, 'vertex'],
  [/(?:^|\.)generativelanguage\.googleapis\.com$/, 'google'],
  [/(?:^|\.)api\.groq\.com$/, 'groq'],
  [/(?:^|\.)api\.deepseek\.com$/, 'deepseek'],
  [/(?:^|\.)api\.mistral\.ai$/, 'mistral'],
  [/(?:^|\.)openrouter\.ai$/, 'openrouter'],
  [/(?:^|\.)api\.x\.ai$/, 'x-ai'],
  [/(?:^|\.)api\.together\.(?:xyz|ai)$/, 'together'],
  [/(?:^|\.)api\.fireworks\.ai$/, 'fireworks'],
  [/(?:^|\.)api\.moonshot\.(?:ai|cn)$/, 'moonshotai'],
  [/(?:^|\.)api\.cerebras\.ai$/, 'cerebras'],
  [/(?:^|\.)api\.perplexity\.ai$/, 'perplexity'],
  [/(?:^|\.)api\.cohere\.(?:ai|com)$/, 'cohere'],
  [/(?:^|\.)api\.novita\.ai$/, 'novita'],
  [/(?:^|\.)api\.z\.ai$/, 'zai'],
  [/(?:^|\.)open\.bigmodel\.cn$/, 'zhipuai'],
  [/(?:^|\.)api\.minimaxi?\.(?:com|io)$/, 'minimax'],
];

/** OpenAI's models that reject `max_tokens`, also with a vendor's prefix: `gpt-5-mini`, `openai/o3`, `ft:o4-mini:…` */
const REASONING_MODEL = /(?:^|[/:.])(?:gpt-[5-9]|o[1-9]\d*(?![a-z0-9]))/i;

/**
 * The default label of a client, from the class of a ready client or from its host, which is the provider's own if none
 * is named; `undefined` for an unknown host.
 *
 * @param provider the SDK, which has an environment variable for its base URL
 */
export function defaultLabel(provider: string, options: ServerOptions): string | undefined {
  const byClass = classNames(options.client).find((name) => Object.hasOwn(LABEL_BY_CLASS, name));
  if (byClass !== undefined) return LABEL_BY_CLASS[byClass];
  const host = hostOf(provider, options);
  if (host === undefined) return provider;
  return LABEL_BY_HOST.find(([pattern]) => pattern.test(host))?.[1];
}

/**
 * Chooses the name under which the output token limit is sent in a chat completion. OpenAI and Azure accept the current
 * name, and their reasoning models no other; most other servers know only the deprecated one. A label does not matter.
 *
 * @returns a function of the model, which a call may choose
 */
export function limitParameterOf(options: ServerOptions): (model: string) => LimitParameter {
  const { limitParameter } = options;
  if (limitParameter !== undefined) return () => limitParameter;
  const label = defaultLabel('openai', options);
  if (label === 'openai' || label === 'azure') return () => 'max_completion_tokens';
  return (model) => (REASONING_MODEL.test(model) ? 'max_completion_tokens' : 'max_tokens');
}

/** The host of the server; `undefined` if none is named, which means the provider's own. */
export function hostOf(provider: string, { client, baseURL }: ServerOptions): string | undefined {
  const { baseURL: ofClient } = Object(client) as { baseURL?: unknown };
  const url =
    (typeof ofClient === 'string' && ofClient) ||
    baseURL ||
    process.env[BASE_URL_VARIABLES[provider] ?? '']?.trim();
  if (!url) return undefined;
  // A base URL that cannot be parsed reaches nothing: it counts as an unknown host.
  return URL.canParse(url) ? new URL(url).hostname : '';
}
