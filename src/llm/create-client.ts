import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { isOptions } from '../util/known-options.js';
import { AnthropicProvider } from './providers/anthropic/anthropic-provider.js';
import { faultOfLlmOptions } from './check-llm-options.js';
import {
  ClientCache,
  type ClientOptions,
  defaultLabel,
  LIMIT_PARAMETERS,
  type LlmClient,
  type TargetResolver,
} from './client.js';
import { checkOverrides, ClientResolver, type Overridable, overridden } from './client-resolver.js';
import type { LlmOptions, ResolveClient } from './llm-options.js';
import type { LlmProvider } from './llm-provider.js';
import { OpenAiProvider } from './providers/openai/openai-provider.js';
import { StandIn } from './stand-ins.js';

/** The built-in providers by name. */
const PROVIDERS: Readonly<Record<string, new (options: ClientOptions) => LlmProvider>> = {
  openai: OpenAiProvider,
  anthropic: AnthropicProvider,
};

const DEFAULT_MAX_CLIENTS = 100;

const APIS = new Set<LlmOptions['api']>(['chat', 'responses']);

/** Where a client's options come from, for error messages. */
interface ClientPlace {
  /** The name of the feature; `undefined` for the default client. */
  readonly name: string | undefined;
  readonly callbacks: readonly object[];
  /** Replaces the provider in a test. */
  readonly standIn?: LlmProvider | undefined;
}

/** Creates a client from its options, which are checked; `undefined` if there are none. */
export function createClient(
  options: Partial<LlmOptions> | undefined,
  place: ClientPlace,
): LlmClient | undefined {
  if (options === undefined) return undefined;
  const origin = place.name === undefined ? 'forRoot' : `forFeature "${place.name}"`;
  check(options, origin);
  const {
    provider,
    model,
    embeddingModel,
    resolve,
    maxClients = DEFAULT_MAX_CLIENTS,
    ...given
  } = options;
  const clients = new ClientCache(maxClients);
  const sdkOptions: ClientOptions = { ...given, clients, isResolving: resolve !== undefined };
  const ofPlace: Overridable = {
    place: `CallbacksModule.${origin}`,
    isSdk: typeof provider === 'string',
    isReady: given.client !== undefined,
  };
  const resolver = resolve && newResolver(resolve, ofPlace, sdkOptions);
  const configured =
    typeof provider === 'string'
      ? newProvider(provider, sdkOptions)
      : { provider: provider!, label: options.label ?? provider!.name };
  const asked = inPlaceOf(configured.provider, place);
  return {
    ...place,
    ...configured,
    provider: asked,
    model: model!,
    ...(embeddingModel !== undefined && { embeddingModel }),
    ...(resolver && { resolver }),
  };
}

/** The provider that a client calls: the configured one, or a test's stand-in. */
function inPlaceOf(configured: LlmProvider, { standIn }: Pick<LlmClient, 'standIn'>): LlmProvider {
  return standIn === undefined ? configured : new StandIn(configured.name, standIn);
}

/** Creates a built-in provider, with its label. */
function newProvider(name: string, options: ClientOptions): Pick<LlmClient, 'provider' | 'label'> {
  const label = options.label ?? defaultLabel(name, options) ?? name;
  return { provider: new PROVIDERS[name]!({ ...options, label }), label };
}

function newResolver(
  resolve: ResolveClient,
  place: Overridable,
  options: ClientOptions,
): TargetResolver {
  return new ClientResolver({
    resolve,
    clients: options.clients!,
    check: (overrides) => checkOverrides(overrides, place),
    make: (origin, overrides) => {
      const made = newProvider(origin.provider.name, overridden(options, overrides));
      const provider = inPlaceOf(made.provider, origin);
      return { ...origin, ...made, provider, resolver: undefined, origin };
    },
  });
}

/**
 * A feature's options merged over those of `forRoot`, if the provider is the same. What belongs to one server (key,
 * headers, client, label, name of the limit, and `resolve`, which returns keys) is not inherited by another provider or
 * another server.
 */
export function mergeLlmOptions(
  root: LlmOptions | undefined,
  own: Partial<LlmOptions> | undefined,
): Partial<LlmOptions> | undefined {
  if (root === undefined || own === undefined) return own ?? root;
  // Invalid; rejected later.
  if (!isOptions(own)) return own;
  if (own.provider !== undefined && own.provider !== root.provider) return own;
  if (isSameServer(root, own)) return { ...root, ...own };
  return { ...withoutServer(root), ...own };
}

/** Options without those that belong to the server. */
function withoutServer({
  apiKey: _apiKey,
  baseURL: _baseURL,
  client: _client,
  defaultHeaders: _defaultHeaders,
  label: _label,
  limitParameter: _limitParameter,
  resolve: _resolve,
  ...rest
}: LlmOptions): LlmOptions {
  return rest;
}

/** A ready client has its own server, as a base URL does. */
function isSameServer(root: LlmOptions, own: Partial<LlmOptions>): boolean {
  const isRoots = (name: 'baseURL' | 'client') =>
    own[name] === undefined || own[name] === root[name];
  return isRoots('baseURL') && isRoots('client');
}

function check(options: Partial<LlmOptions>, place: string): void {
  const refuse = (what: string): never => {
    throw new CallbacksConfigurationError(`CallbacksModule.${place}: ${what}`);
  };
  const fault = faultOfLlmOptions(options);
  if (fault !== undefined) refuse(fault);
  const { provider, model, api, limitParameter, timeout, maxRetries, client } = options;
  const isKnown = typeof provider === 'string' && Object.hasOwn(PROVIDERS, provider);
  if (!isKnown && !isProvider(provider)) {
    const given =
      typeof provider === 'object'
        ? 'an object without name, generate() and stream()'
        : `"${provider}"`;
    refuse(
      `llm.provider is ${given}: give ${Object.keys(PROVIDERS).join(', ')}, or an object that implements LlmProvider.`,
    );
  }
  if (typeof model !== 'string' || model === '')
    refuse('llm.model is missing: name the model to ask.');
  if (api !== undefined && !APIS.has(api)) refuse("llm.api must be 'chat' or 'responses'.");
  if (api !== undefined && provider !== 'openai') {
    refuse("llm.api chooses between the APIs of provider 'openai': leave it out for all others.");
  }
  if (limitParameter !== undefined && !LIMIT_PARAMETERS.includes(limitParameter))
    refuse(`llm.limitParameter must be '${LIMIT_PARAMETERS.join("' or '")}'.`);
  if (limitParameter !== undefined && provider !== 'openai')
    refuse("llm.limitParameter names an option of provider 'openai': leave it out for all others.");
  if (timeout !== undefined && !(timeout > 0))
    refuse('llm.timeout must be a positive number of milliseconds.');
  if (maxRetries !== undefined && !(Number.isInteger(maxRetries) && maxRetries >= 0)) {
    refuse('llm.maxRetries must be a whole number of 0 or more.');
  }
  if (client !== undefined && (typeof client !== 'object' || client === null)) {
    refuse('llm.client must be a client of the provider’s SDK.');
  }
  checkAtRequest(options, refuse);
}

/** Checks the options that choose a client for each call. */
function checkAtRequest(
  { provider, client, apiKey, resolve, maxClients }: Partial<LlmOptions>,
  refuse: (what: string) => never,
): void {
  if (typeof apiKey === 'function' && (typeof provider !== 'string' || client !== undefined)) {
    const what = client === undefined ? 'a provider of your own' : 'llm.client';
    refuse(`llm.apiKey is a function, which is not asked beside ${what}: leave one of them out.`);
  }
  if (resolve !== undefined && typeof resolve !== 'function')
    refuse('llm.resolve must be a function: (context, { model }) => ({ apiKey, … }).');
  if (maxClients !== undefined && !(Number.isInteger(maxClients) && maxClients > 0))
    refuse('llm.maxClients must be a whole number above 0.');
}

/** Whether a value implements {@link LlmProvider}. */
export function isProvider(value: unknown): value is LlmProvider {
  const { name, generate, stream } = Object(value) as Partial<LlmProvider>;
  return typeof name === 'string' && typeof generate === 'function' && typeof stream === 'function';
}
