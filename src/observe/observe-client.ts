import { AddressFinder, type ClientServer, hostOf } from '../llm/client.js';
import { makesSpans } from '../llm/providers/shared/sdk-spans.js';
import { markOf as brandOf } from '../util/brand.js';
import type { WireObject } from '../llm/providers/shared/wire-values.js';
import { type AnswerDoor, doorOf } from './answer-door.js';
import { askedBody, endpointOf, type Sdk } from './endpoints.js';
import { hideSpans } from './hide-spans.js';
import { InnerCall } from './inner-call.js';
import { isMarked, type LayeredCall, markOf } from './layers.js';
import { ObservedCall, type ObservedClient } from './observed-call.js';
import { azureOptions, copyOf, type Fetch, type SdkClient, type SdkRequest } from './sdk-client.js';

/** On copies: by whom they are observed. Other copies of this package know it. */
const OBSERVED = brandOf('observed');

/** By whom a client is observed. */
export interface Observation {
  readonly observer: object;
  /** Of the options. */
  readonly key: string;
}

/** By whom a client is observed already, if it is a copy or a child of one. */
export function observationOf(client: object): Observation | undefined {
  return (client as { readonly [OBSERVED]?: Observation })[OBSERVED];
}

/** How a client is observed. */
interface Seam {
  readonly sdk: Sdk;
  readonly observed: ObservedClient;
  readonly observation: Observation;
  readonly door: AnswerDoor;
}

/** A copy of a client whose requests are runs. */
export function observedCopy<C extends object>(
  client: C,
  sdk: Sdk,
  observed: ObservedClient,
  observation: Observation,
): C {
  const original = client as unknown as SdkClient;
  const door = doorOf(original, observed.runs);
  const copy = copyOf(original, door.through(original));
  installGate(copy, { sdk, observed, observation, door });
  return copy as unknown as C;
}

/** Opens a run before the first attempt of each request, and makes the client's children observed. */
function installGate(client: SdkClient, seam: Seam): void {
  const { sdk, observed, observation, door } = seam;
  const prepareOptions = client.prepareOptions.bind(client);
  const withOptions = client.withOptions.bind(client);
  const shouldRetry = decidedOnce(client);
  const server = serverOf(client, sdk);
  const define = (name: string | symbol, value: unknown) =>
    Object.defineProperty(client, name, { value, configurable: true, writable: true });

  define('prepareOptions', async (request: SdkRequest) => {
    const { runs } = observed;
    const endpoint = endpointOf(sdk, request);
    // A retry has the options of the first attempt.
    if (endpoint === undefined || isMarked(request.fetchOptions, runs))
      return prepareOptions(request);
    const body = (request.body = askedBody(endpoint, request.body as WireObject, observed.usage));
    const mark = (call: LayeredCall | undefined) =>
      (request.fetchOptions = { ...request.fetchOptions, ...markOf(runs, call) });
    if (runs.isInModelCall) {
      mark(InnerCall.of(observed, endpoint, body));
      return prepareOptions(request);
    }
    const call = new ObservedCall(observed, {
      endpoint,
      body,
      server,
      signal: request.signal ?? undefined,
      maxRetries: request.maxRetries ?? client.maxRetries,
      shouldRetry: (response) => shouldRetry(response, request),
    });
    mark(call);
    await call.open();
    await prepareOptions(request).catch((error: unknown) => call.refused(error));
  });
  define('withOptions', (options: { readonly fetch?: Fetch; readonly middleware?: unknown[] }) => {
    const child = withOptions({ ...azureOptions(client), ...options, ...door.through(options) });
    installGate(child, seam);
    return child;
  });
  define('shouldRetry', shouldRetry);
  define(OBSERVED, observation);
  hideSpans(client, () => observed.runs.haveSpans(observed.scope));
  door.keep(client);
}

function serverOf(client: SdkClient, sdk: Sdk): ClientServer {
  const addresses = new AddressFinder(sdk);
  return {
    get host() {
      return hostOf(sdk, { client });
    },
    get address() {
      return addresses.of({ client });
    },
    get isTracedBySdk() {
      return makesSpans(sdk, client);
    },
  };
}

/** Anthropic's client renews a rejected token when it is asked whether it sends a request again, but only once. */
function decidedOnce(client: SdkClient): SdkClient['shouldRetry'] {
  const shouldRetry = client.shouldRetry.bind(client);
  const decisions = new WeakMap<Response, boolean | Promise<boolean>>();
  return (response, request) => {
    const decision = decisions.get(response) ?? shouldRetry(response, request);
    decisions.set(response, decision);
    return decision;
  };
}
