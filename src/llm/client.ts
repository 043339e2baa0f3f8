import { createHash } from 'node:crypto';
import type { ClientScope } from '../handlers/handler-scope.js';
import type { CurrentContext } from '../runs/run-context.js';
import type { ModelRequest, ServerAddress } from '../types/llm.js';
import type { LlmOptions } from './llm-options.js';
import type { LlmProvider } from './llm-provider.js';
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
export function hostOf(provider: string, options: ServerOptions): string | undefined {
  const url = baseUrlOf(provider, options);
  if (!url) return undefined;
  // A base URL that cannot be parsed reaches nothing: it counts as an unknown host.
  return URL.canParse(url) ? new URL(url).hostname : '';
}

function baseUrlOf(provider: string, { client, baseURL }: ServerOptions): string | undefined {
  const { baseURL: ofClient } = Object(client) as { baseURL?: unknown };
  return (
    (typeof ofClient === 'string' && ofClient) ||
    baseURL ||
    process.env[BASE_URL_VARIABLES[provider] ?? '']?.trim()
  );
}

/** The servers of the SDKs. */
const DEFAULT_URLS: Readonly<Record<string, string>> = {
  openai: 'https://api.openai.com',
  anthropic: 'https://api.anthropic.com',
};

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** Finds the address of a server; the last one is kept, because parsing a URL is slow. */
export class AddressFinder {
  #url: string | undefined;
  #address: ServerAddress | undefined;

  constructor(private readonly provider: string) {}

  of(options: ServerOptions): ServerAddress | undefined {
    const url = baseUrlOf(this.provider, options) || DEFAULT_URLS[this.provider];
    if (url !== this.#url) {
      this.#url = url;
      this.#address = url === undefined ? undefined : addressOf(url);
    }
    return this.#address;
  }
}

/** The address in a URL; `undefined` for a URL that reaches no server. */
export function addressOf(url: string): ServerAddress | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname, port, protocol } = new URL(url);
  const known = port === '' ? DEFAULT_PORTS[protocol] : Number(port);
  if (hostname === '' || known === undefined) return undefined;
  return { address: hostname.replace(/^\[(.*)\]$/, '$1'), port: known };
}

/** What is known about the server of a client before it is called. */
export interface ClientServer {
  /** `undefined` for the provider's own. */
  readonly host: string | undefined;
  readonly address?: ServerAddress | undefined;
  /** Whether the SDK makes a span of its own for a call. */
  readonly isTracedBySdk?: boolean;
}

/** The server that a client calls, as far as it is known: not for mocks and stand-ins. */
export function serverOf({ server, provider }: LlmClient): Partial<ClientServer> {
  const { sdkServer } = provider as { readonly sdkServer?: ClientServer | undefined };
  return server ?? sdkServer ?? { address: provider.server };
}

/** A client that is ready to be called, as `forRoot` or `forFeature` configured it. */
export interface LlmClient extends ClientScope {
  readonly provider: LlmProvider;
  /** The provider's name in events, errors and prices. */
  readonly label: string;
  readonly model: string;
  /** The model that embeds texts. */
  readonly embeddingModel?: string;
  /** Set if the calls of code other than this package are observed: the server that it calls. */
  readonly server?: ClientServer;
  /**
   * Set if a test replaced the configured provider with `provider`; it also replaces what would be resolved per call.
   */
  readonly standIn?: LlmProvider | undefined;
  /** Chooses the client that is actually called, for each call. */
  readonly resolver?: TargetResolver | undefined;
  /** The client of the application that it was resolved from. */
  readonly origin?: LlmClient;
  /** Whether implausible counts of its server were logged; they are logged once. */
  isDoubtLogged?: boolean;
}

/** Resolves the client and request of a call by its context. */
export interface TargetResolver {
  /** Rejects with what the application's `llm.resolve` threw. */
  resolve<Q extends ModelRequest>(
    origin: LlmClient,
    request: Q,
    context: CurrentContext,
  ): Promise<{ readonly client: LlmClient; readonly request: Q }>;
}

/** The application's clients by name. */
export interface LlmClients {
  /** @throws CallbacksConfigurationError for a name that no client has, and for a client without a model */
  named(name: string): LlmClient;
}

/** What an SDK client is created from. */
export interface ClientOptions extends Omit<
  LlmOptions,
  'provider' | 'model' | 'embeddingModel' | 'resolve' | 'maxClients'
> {
  /** The cache for the clients of an `apiKey` function. */
  readonly clients?: ClientCache;
  /** Whether `llm.resolve` may return the key, so that none is needed at start-up. */
  readonly isResolving?: boolean;
  /** Whether `llm.resolve` has returned the key or the server, to which the environment's credentials do not belong. */
  readonly isResolved?: boolean;
}

/**
 * A bounded cache of SDK clients by what they are created from; the least recently used one is evicted first. Keys and
 * headers are hashed, so that no secret is a key of the map. An evicted client still serves the calls that hold it.
 */
export class ClientCache {
  readonly #clients = new Map<string, unknown>();

  constructor(private readonly maxClients: number) {}

  get size(): number {
    return this.#clients.size;
  }

  /** The client for these parts; `make` creates it if needed. */
  get<T>(parts: readonly unknown[], make: () => T): T {
    const key = createHash('sha256').update(JSON.stringify(parts)).digest('base64');
    const client = this.#clients.has(key) ? (this.#clients.get(key) as T) : make();
    this.#clients.delete(key);
    this.#clients.set(key, client);
    if (this.#clients.size > this.maxClients) {
      const [oldest] = this.#clients.keys();
      this.#clients.delete(oldest!);
    }
    return client;
  }
}
