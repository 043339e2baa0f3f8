import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { InterceptorSelector } from '../handlers/handler.js';
import { type CurrentContext, type Enter, here } from '../runs/run-context.js';
import type { Run } from '../runs/run.js';
import type { ModelRequest } from '../types/llm.js';
import type { ModelTarget } from './call/metering.js';
import type { ClientCache, ClientOptions, LlmClient, TargetResolver } from './client.js';
import type { Overrides, ResolveClient } from './llm-options.js';
import { isContextFree } from './llm-provider.js';
import { isHeaders, isHeaderText } from './providers/shared/observed-fetch.js';

/** Asks the application for the client and request of a call, in the context of its run but outside of the run. */
export async function resolveTarget<Q extends ModelRequest>(
  run: Run,
  target: ModelTarget<Q>,
  place: Enter = here,
): Promise<ModelTarget<Q>> {
  const { client, request } = target;
  const { resolver } = client;
  if (resolver === undefined) return target;
  return place(() => run.before(() => resolver.resolve(client, request, run.snapshot)));
}

/** Whether a call passes through code of the application, which may read its context. */
export function callsApplication(
  run: Run,
  { resolver, provider }: LlmClient,
  interceptors: InterceptorSelector,
): boolean {
  if (resolver !== undefined || !isContextFree(provider)) return true;
  return run.handlers[interceptors].length > 0;
}

/** What a {@link ClientResolver} is created from. */
interface ClientResolverParts {
  readonly resolve: ResolveClient;
  readonly clients: ClientCache;
  /** Checks what `llm.resolve` returned. */
  readonly check: (given: unknown) => Overrides;
  /** Creates a client from `origin` and overrides, which have more than a model. */
  readonly make: (origin: LlmClient, overrides: Overrides) => LlmClient;
}

/** Calls `llm.resolve` for each call, and caches the clients that its results require. */
export class ClientResolver implements TargetResolver {
  /** By the SDK client that the application returned; an entry lives as long as that client. */
  readonly #ready = new WeakMap<object, LlmClient>();

  constructor(private readonly parts: ClientResolverParts) {}

  async resolve<Q extends ModelRequest>(
    origin: LlmClient,
    request: Q,
    context: CurrentContext,
  ): Promise<ModelTarget<Q>> {
    const { resolve, check } = this.parts;
    const overrides = check(await resolve(context, { model: request.model }));
    const { model = request.model } = overrides;
    const client = this.#clientOf(origin, overrides);
    return { client, request: model === request.model ? request : { ...request, model } };
  }

  #clientOf(origin: LlmClient, overrides: Overrides): LlmClient {
    const { apiKey, baseURL, defaultHeaders, client } = overrides;
    const make = () => this.parts.make(origin, overrides);
    if (client !== undefined) {
      const made = this.#ready.get(client) ?? make();
      this.#ready.set(client, made);
      return made;
    }
    if (apiKey === undefined && baseURL === undefined && defaultHeaders === undefined)
      return origin;
    const headers = Object.entries(defaultHeaders ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return this.parts.clients.get(['resolved', apiKey, baseURL, headers], make);
  }
}

const NAMES = ['apiKey', 'baseURL', 'defaultHeaders', 'model', 'client'] as const;
/** What a ready client already has. */
const OF_CLIENT = ['apiKey', 'baseURL', 'defaultHeaders'] as const;
/** Headers that carry credentials. */
const CREDENTIAL_HEADERS = new Set([
  'authorization',
  'x-api-key',
  'api-key',
  'openai-organization',
  'openai-project',
]);

/** What can be overridden in a client. */
export interface Overridable {
  /** Its name, for error messages. */
  readonly place: string;
  /** Whether it uses an SDK, and not a custom provider. */
  readonly isSdk: boolean;
  /** Whether it is a ready SDK client. */
  readonly isReady: boolean;
}

/** Checks what `llm.resolve` returned; no message holds a key or a header. */
export function checkOverrides(given: unknown, { place, isSdk, isReady }: Overridable): Overrides {
  const refuse = (what: string): never => {
    throw new CallbacksConfigurationError(`${place}: llm.resolve returned ${what}`);
  };
  if (given === undefined) return {};
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    refuse(`no object: return some of { ${NAMES.join(', ')} }, or undefined.`);
  const overrides = given as Overrides;
  const names = Object.keys(overrides);
  const unknown = names.filter((name) => !(NAMES as readonly string[]).includes(name));
  if (unknown.length > 0)
    refuse(`${list(unknown)}, which it cannot choose: known are ${NAMES.join(', ')}.`);
  const { apiKey, baseURL, defaultHeaders, model, client } = overrides;
  for (const [name, value] of Object.entries({ apiKey, baseURL, model })) {
    if (value === undefined || (typeof value === 'string' && value.trim() !== '')) continue;
    refuse(`${name} without a text: leave it out to use that of the client, or throw an error.`);
  }
  if (defaultHeaders !== undefined && !isHeaders(defaultHeaders))
    refuse('defaultHeaders that are no record of texts: { name: value }.');
  if (apiKey !== undefined && !isHeaderText(apiKey))
    refuse('an apiKey with characters that no header takes: has it line breaks inside?');
  if (client !== undefined && (typeof client !== 'object' || client === null))
    refuse('a client that is no object: return a client of the provider’s SDK.');
  const ofClient = OF_CLIENT.filter((name) => overrides[name] !== undefined);
  if (client !== undefined && ofClient.length > 0) {
    refuse(
      `client together with ${list(ofClient)}: a client has its own; give them where it is made.`,
    );
  }
  if (!isSdk && (client !== undefined || ofClient.length > 0)) {
    const what = list(client === undefined ? ofClient : ['client']);
    refuse(
      `${what} for a provider of the application's own, which can only be given a model: it finds the tenant in context.context of its generate() and stream().`,
    );
  }
  if (isReady && ofClient.length > 0) {
    refuse(
      `${list(ofClient)}, which llm.client has of its own: return another client, or leave llm.client out.`,
    );
  }
  return overrides;
}

/** A client's options with overrides applied. Secrets go to no other server, and beside no other key. */
export function overridden(options: ClientOptions, overrides: Overrides): ClientOptions {
  const { apiKey, baseURL, defaultHeaders, client } = overrides;
  const { apiKey: ownKey, defaultHeaders: ownHeaders, client: _client, ...rest } = options;
  if (client !== undefined) return { ...rest, client, isResolved: true };
  const isOtherServer = baseURL !== undefined && baseURL !== options.baseURL;
  const headers = isOtherServer
    ? {}
    : apiKey === undefined
      ? ownHeaders
      : withoutCredentials(ownHeaders);
  const key = apiKey ?? (isOtherServer ? undefined : ownKey);
  return {
    ...rest,
    ...(key !== undefined && { apiKey: key }),
    ...(baseURL !== undefined && { baseURL }),
    defaultHeaders: mergeHeaders(headers, defaultHeaders),
    isResolved: apiKey !== undefined || isOtherServer,
  };
}

function mergeHeaders(
  own: Record<string, string> = {},
  given: Record<string, string> = {},
): Record<string, string> {
  const replaced = new Set(Object.keys(given).map((name) => name.toLowerCase()));
  const kept = Object.entries(own).filter(([name]) => !replaced.has(name.toLowerCase()));
  return { ...Object.fromEntries(kept), ...given };
}

function withoutCredentials(headers: Record<string, string> = {}): Record<string, string> {
  const kept = Object.entries(headers).filter(
    ([name]) => !CREDENTIAL_HEADERS.has(name.toLowerCase()),
  );
  return Object.fromEntries(kept);
}

function list(names: readonly string[]): string {
  return names.map((name) => name.slice(0, 40)).join(', ');
}
