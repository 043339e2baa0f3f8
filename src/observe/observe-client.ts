import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { hostOf } from '../llm/client.js';
import { classNames } from '../llm/providers/shared/sdk-error.js';
import type { WireObject } from '../llm/providers/shared/wire-values.js';
import { type Endpoint, endpointOf, type Sdk } from './endpoints.js';
import { callOf, isPartOfRun, markOf } from './layers.js';
import { ObservedCall, type ObservedClient } from './observed-call.js';

/** The classes whose clients are observed, and their SDKs. */
const SDK_BY_CLASS: Readonly<Record<string, Sdk>> = {
  OpenAI: 'openai',
  AzureOpenAI: 'openai',
  Anthropic: 'anthropic',
};

/** The function that sends a request. */
export type Fetch = typeof globalThis.fetch;

/** The options of a request inside an SDK. */
interface SdkRequest {
  readonly method?: unknown;
  readonly path?: unknown;
  body?: unknown;
  readonly signal?: AbortSignal | null;
  readonly maxRetries?: number;
  fetchOptions?: object;
}

/** What both SDKs' clients have in common. */
interface SdkClient {
  readonly fetch: Fetch;
  readonly maxRetries: number;
  withOptions(options: object): SdkClient;
  prepareOptions(options: SdkRequest): Promise<void>;
  shouldRetry(response: Response, options: SdkRequest): boolean | Promise<boolean>;
}

/** The SDK of a client; `undefined` if it is not a client that can be observed. */
export function sdkOf(client: unknown): Sdk | undefined {
  const [name = ''] = classNames(client);
  return Object.hasOwn(SDK_BY_CLASS, name) ? SDK_BY_CLASS[name] : undefined;
}

/** A copy of a client whose requests are runs. */
export function observedCopy<C extends object>(client: C, sdk: Sdk, observed: ObservedClient): C {
  const original = client as unknown as SdkClient;
  const copy = original.withOptions({
    ...azureOptions(client),
    fetch: observingFetch(original.fetch, observed),
  });
  if (copy.constructor !== client.constructor) throw notCopied();
  installGate(copy, sdk, observed);
  return copy as unknown as C;
}

/** AzureOpenAI of openai 6 takes over neither. */
function azureOptions(client: object): object {
  const { apiVersion, deploymentName } = client as Readonly<Record<string, unknown>>;
  return {
    ...(apiVersion !== undefined && { apiVersion }),
    ...(deploymentName !== undefined && { deployment: deploymentName }),
  };
}

/** Observes the answers to requests that passed the gate. */
function observingFetch(inner: Fetch, { runs }: ObservedClient): Fetch {
  return (input, init) => {
    const call = callOf(init, runs);
    // Called without a receiver, as the SDKs call it.
    if (call === undefined) return inner(input, init);
    const send = (stop: AbortSignal) =>
      inner(input, { ...init, ...markOf(runs), signal: joined(init?.signal, stop) });
    return call.send(send);
  };
}

/** A signal that either of the two aborts. */
export function joined(signal: AbortSignal | null | undefined, stop: AbortSignal): AbortSignal {
  return signal ? AbortSignal.any([signal, stop]) : stop;
}

/** Opens a run before the first attempt of each request, and makes the client's children observed. */
function installGate(client: SdkClient, sdk: Sdk, observed: ObservedClient): void {
  const prepareOptions = client.prepareOptions.bind(client);
  const withOptions = client.withOptions.bind(client);
  const define = (name: string, value: unknown) =>
    Object.defineProperty(client, name, { value, configurable: true, writable: true });

  define('prepareOptions', async (request: SdkRequest) => {
    const endpoint = endpointOf(sdk, request);
    // A retry has the options of the first attempt.
    if (endpoint !== undefined && !isPartOfRun(request.fetchOptions, observed.runs)) {
      request.body = askedBody(endpoint, request.body as WireObject, observed);
      const call = new ObservedCall(observed, {
        endpoint,
        body: request.body as WireObject,
        host: hostOf(sdk, { client }),
        signal: request.signal ?? undefined,
        maxRetries: request.maxRetries ?? client.maxRetries,
        shouldRetry: (response) => client.shouldRetry(response, request),
      });
      request.fetchOptions = { ...request.fetchOptions, ...markOf(observed.runs, call) };
      await call.open();
      await prepareOptions(request).catch((error: unknown) => call.refused(error));
      return;
    }
    await prepareOptions(request);
  });
  define('withOptions', (options: { readonly fetch?: Fetch }) => {
    const own =
      options.fetch === undefined
        ? options
        : { ...options, fetch: observingFetch(options.fetch, observed) };
    const child = withOptions({ ...azureOptions(client), ...own });
    installGate(child, sdk, observed);
    return child;
  });
}

/** The body as it is sent: with a request for the usage of a stream, if the application wants one. */
export function askedBody(
  endpoint: Endpoint,
  body: WireObject,
  { usage }: ObservedClient,
): WireObject {
  if (usage !== 'ask' || endpoint.kind !== 'llm' || body['stream'] !== true) return body;
  return endpoint.askUsage?.(body) ?? body;
}

function notCopied(): Error {
  return new CallbacksConfigurationError(
    'callbacks.observe(): the client cannot be copied, because its class has a constructor of its own: observe a client of the SDK itself.',
  );
}
