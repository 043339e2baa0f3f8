import { CallbacksConfigurationError } from '../../../errors/callbacks-error.js';
import type { ClientOptions } from '../../client.js';
import type { ApiKeySource } from '../../llm-options.js';
import type { LlmProviderContext } from '../../llm-provider.js';
import { isHeaderText, observeClient, observedFetch } from './observed-fetch.js';
import { CallerFault } from './sdk-error.js';

/** Options that the SDKs' constructors share. */
interface SdkOptions {
  apiKey?: string;
  baseURL?: string;
  timeout?: number;
  maxRetries?: number;
  defaultHeaders?: Record<string, string>;
  fetch: typeof globalThis.fetch;
  logLevel?: 'off';
  organization?: null;
  project?: null;
  authToken?: null;
}

/** The environment variables of an SDK. */
interface SdkEnvironment {
  /** The variables of its key. */
  readonly keys: readonly string[];
  /** The variable of its log level. */
  readonly log: string;
  /** Keeps the SDK from the environment's other credentials, which do not belong to an explicit key. */
  readonly without: Pick<SdkOptions, 'organization' | 'project' | 'authToken'>;
}

/** What the clients of a provider's SDK need. */
export interface SdkSetup<Client> {
  readonly name: 'openai' | 'anthropic';
  /** The provider's name in errors. */
  readonly label: string;
  /** The path of the client method to call. */
  readonly method: string;
  readonly environment: SdkEnvironment;
  readonly construct: (options: SdkOptions) => Promise<Client>;
}

/** The clients of a provider's SDK: a single one, or one for each key that a function returns. */
export class SdkClients<Client> {
  #ready: Client | undefined;
  #loading: Promise<Client> | undefined;

  constructor(
    private readonly options: ClientOptions,
    private readonly sdk: () => SdkSetup<Client>,
  ) {}

  /** The single client, once it is created. */
  get ready(): Client | undefined {
    return this.#ready;
  }

  /** Rejects configurations that cannot work. */
  async prepare(): Promise<void> {
    const { apiKey, baseURL, client, isResolving } = this.options;
    const isKeyResolved = isResolving && client === undefined && !baseURL && !this.#hasKey;
    // This still checks whether the SDK is installed.
    if (typeof apiKey === 'function' || isKeyResolved) await this.#construct('none');
    else await this.#load();
  }

  /** The client for a request. */
  for({ context }: LlmProviderContext): Promise<Client> {
    const { apiKey } = this.options;
    return typeof apiKey === 'function' ? this.#withKeyOf(apiKey, context) : this.#load();
  }

  async #withKeyOf(source: ApiKeySource, context: LlmProviderContext['context']): Promise<Client> {
    let key: unknown;
    try {
      key = await source(context);
    } catch (error) {
      throw new CallerFault(error);
    }
    if (typeof key !== 'string' || key.trim() === '' || !isHeaderText(key)) {
      throw new CallbacksConfigurationError(
        `The provider "${this.sdk().label}" has no API key: the function llm.apiKey gave no text, or one that no header takes, for this request.`,
      );
    }
    const { clients, baseURL, defaultHeaders } = this.options;
    // Not a promise of the client: a failed one must not be cached.
    const kept = clients!.get(['key', key, baseURL, defaultHeaders], () => ({
      client: undefined as Client | undefined,
    }));
    return (kept.client ??= await this.#construct(key));
  }

  #load(): Promise<Client> {
    this.#loading ??= this.#newClient().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  async #newClient(): Promise<Client> {
    const { client } = this.options;
    this.#ready =
      client === undefined ? await this.#construct(this.#fixedKey()) : this.#checked(client);
    return this.#ready;
  }

  #checked(client: object): Client {
    const { name, method } = this.sdk();
    if (!hasMethod(client, method)) {
      const what = this.options.isResolved ? 'The client that llm.resolve returned' : 'llm.client';
      throw new CallbacksConfigurationError(
        `${what} is not a client of the SDK of ${name}: it has no method ${method}().`,
      );
    }
    observeClient(client);
    return client as Client;
  }

  /** `undefined` if the SDK reads it from the environment. */
  #fixedKey(): string | undefined {
    const { apiKey, baseURL, isResolving } = this.options;
    if (this.#hasKey) return apiKey as string | undefined;
    // The SDKs require a key, and a server without keys ignores it.
    if (baseURL) return 'none';
    const { label, environment } = this.sdk();
    const why = isResolving ? ', and llm.resolve returned none for this call' : '';
    throw new CallbacksConfigurationError(
      `The provider "${label}" has no API key${why}: set ${environment.keys.join(' or ')}, or give llm.apiKey (or llm.client, or the llm.baseURL of a server without keys).`,
    );
  }

  /** Whether there is a key independent of requests. */
  get #hasKey(): boolean {
    const { apiKey, isResolved } = this.options;
    if (apiKey) return true;
    return !isResolved && this.sdk().environment.keys.some((name) => process.env[name]);
  }

  #construct(key: string | undefined): Promise<Client> {
    const { baseURL, timeout, maxRetries, defaultHeaders, isResolved } = this.options;
    const { environment, construct } = this.sdk();
    return construct({
      ...(key !== undefined && { apiKey: key }),
      ...(isResolved && environment.without),
      ...(baseURL !== undefined && { baseURL }),
      ...(timeout !== undefined && { timeout }),
      ...(maxRetries !== undefined && { maxRetries }),
      ...(defaultHeaders !== undefined && { defaultHeaders }),
      fetch: observedFetch(() => globalThis.fetch),
      // The SDKs write malformed answers to the console, including model output.
      ...(!process.env[environment.log] && { logLevel: 'off' }),
    });
  }
}

function hasMethod(client: object, path: string): boolean {
  const found = path
    .split('.')
    .reduce<unknown>((part, name) => (Object(part) as Record<string, unknown>)[name], client);
  return typeof found === 'function';
}

/**
 * Loads an SDK, an optional peer dependency, when its provider is used; if it is missing, the error explains how to
 * install it.
 */
export async function loadSdk<T>(
  provider: string,
  packageName: string,
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw new CallbacksConfigurationError(
      `The provider "${provider}" needs the package ${packageName}, which could not be loaded. Run: npm install ${packageName}`,
      { cause: error },
    );
  }
}
