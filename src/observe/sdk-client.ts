import { types } from 'node:util';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { classNames } from '../llm/providers/shared/sdk-error.js';
import { kindOf } from '../util/known-options.js';
import type { Sdk } from './endpoints.js';

export type Fetch = typeof globalThis.fetch;

/** The options of a request inside an SDK. */
export interface SdkRequest {
  readonly method?: unknown;
  readonly path?: unknown;
  body?: unknown;
  readonly signal?: AbortSignal | null;
  readonly maxRetries?: number;
  fetchOptions?: object;
}

/** What the clients of both SDKs have in common. */
export interface SdkClient {
  readonly baseURL: string;
  readonly fetch: Fetch;
  /** Anthropic's. */
  readonly middleware?: readonly unknown[];
  readonly maxRetries: number;
  withOptions(options: object): SdkClient;
  prepareOptions(options: SdkRequest): Promise<void>;
  shouldRetry(response: Response, options: SdkRequest): boolean | Promise<boolean>;
}

/** The classes of clients, and their SDKs. */
const SDK_BY_CLASS: Readonly<Record<string, Sdk>> = {
  OpenAI: 'openai',
  Anthropic: 'anthropic',
  BaseAnthropic: 'anthropic',
};

/** The SDK of a client; `undefined` if it is not a client that can be observed. */
export function sdkOf(client: object): Sdk | undefined {
  const name = classNames(client).find((known) => Object.hasOwn(SDK_BY_CLASS, known));
  const { baseURL, withOptions, prepareOptions, shouldRetry } = client as Partial<SdkClient>;
  const methods: unknown[] = [withOptions, prepareOptions, shouldRetry];
  if (name === undefined || typeof baseURL !== 'string') return undefined;
  return methods.every((method) => typeof method === 'function') ? SDK_BY_CLASS[name] : undefined;
}

const KNOWN = 'give a client of the package openai, @anthropic-ai/sdk or one of its cloud SDKs';

/** What is wrong with a value that is no client; `undefined` for a client. */
export function faultOfClient(client: unknown): string | undefined {
  if (typeof client === 'function')
    return `the first argument is a class or function, and no client that can be observed: ${KNOWN}, made by new.`;
  if (typeof client !== 'object' || client === null)
    return `the first argument is ${kindOf(client)}, and no client that can be observed: ${KNOWN}.`;
  if (types.isProxy(client))
    return 'the client is wrapped in a Proxy: observe the client itself, and wrap what observe() returns.';
  if (sdkOf(client) === undefined)
    return `the first argument is no client that can be observed: ${KNOWN}. Observe a client before another package wraps it.`;
  if (!Object.isExtensible(client))
    return 'the client is frozen, sealed or not extensible, and a copy would not be: observe a client that is not. A client that you make yourself takes new OpenAI({ …, fetch: callbacks.fetch() }) instead.';
  if (hasCertificate(client))
    return 'the client authenticates by an X.509 certificate, with which its SDK accepts no other fetch: observe a client with another credential.';
  if (sdkOf(client) === 'anthropic' && !hasMiddleware(client as SdkClient) && isOfCloud(client))
    return `the client's SDK has no middleware, by which clients of clouds are observed: update @anthropic-ai/sdk and the cloud's SDK to 1.0 or later.`;
  return undefined;
}

/** Whether what a client sends and receives passes middleware, in the form of Anthropic's own API. */
export function hasMiddleware({ middleware }: SdkClient): boolean {
  return Array.isArray(middleware);
}

/** Whether a client of Anthropic's SDK is that of a cloud, which may have a format of its own. */
function isOfCloud(client: object): boolean {
  return !classNames(client).includes('Anthropic');
}

/** openai 7 has clients that identify themselves by a certificate of their own. */
function hasCertificate(client: object): boolean {
  const { _options } = client as { _options?: unknown };
  const { x509Transport, credential } = Object(_options) as Readonly<Record<string, unknown>>;
  return x509Transport !== undefined || (credential !== undefined && 'chat' in client);
}

/**
 * A copy of a client with other options.
 *
 * @throws CallbacksConfigurationError if the copy is not what the client is, because a class of the application has a
 * constructor that does not take the options of the SDK
 */
export function copyOf(client: SdkClient, options: object): SdkClient {
  let copy: SdkClient;
  try {
    copy = client.withOptions({ ...azureOptions(client), ...options });
  } catch (error) {
    throw notCopied(client, 'the constructor throws', error);
  }
  const lost = lostField(client, copy, options);
  if (lost !== undefined) throw notCopied(client, `it has another ${lost}`);
  if (!Object.isExtensible(copy)) throw notCopied(client, 'it is frozen');
  return copy;
}

/** AzureOpenAI of openai 6 takes over neither. */
export function azureOptions(client: object): object {
  const { apiVersion, deploymentName } = client as Readonly<Record<string, unknown>>;
  return {
    ...(apiVersion !== undefined && { apiVersion }),
    ...(deploymentName !== undefined && { deployment: deploymentName }),
  };
}

/**
 * The first field in which a copy differs; objects differ only if there is none. Not the state inside of an SDK, nor a
 * key that a function gave.
 */
function lostField(client: SdkClient, copy: SdkClient, options: object): string | undefined {
  if (copy.constructor !== client.constructor) return 'constructor';
  const given = options as Readonly<Record<string, unknown>>;
  const before = client as unknown as Readonly<Record<string, unknown>>;
  const after = copy as unknown as Readonly<Record<string, unknown>>;
  const { apiKey } = Object(before['_options']) as { apiKey?: unknown };
  return Object.keys(client).find((name) => {
    if (name.startsWith('_') || (name === 'apiKey' && typeof apiKey === 'function')) return false;
    if (!Object.hasOwn(given, name)) return !isAlike(before[name], after[name]);
    // The constructor must have passed it on; the SDK copies lists.
    const [value, taken] = [given[name], after[name]];
    return Array.isArray(value)
      ? !Array.isArray(taken) || value.some((item, i) => item !== taken[i])
      : value !== taken;
  });
}

function isAlike(a: unknown, b: unknown): boolean {
  if (Object(a) === a && Object(b) === b) return typeof a === typeof b;
  return Object.is(a, b);
}

function notCopied(client: SdkClient, why: string, cause?: unknown): Error {
  const [name = 'the class'] = classNames(client);
  // Below the middleware of a cloud's client, a `fetch` sees no messages.
  const other =
    sdkOf(client) === 'anthropic' && isOfCloud(client)
      ? ''
      : ', or makes itself observed: super({ …, fetch: callbacks.fetch() })';
  return new CallbacksConfigurationError(
    `callbacks.observe(): the client cannot be copied: when withOptions() makes a new ${name}, ${why}. A class with a constructor of its own passes all of its options on to super()${other}. Or observe a client of the SDK's own class.`,
    { cause },
  );
}
