import { types } from 'node:util';
import { addressOf, defaultLabel } from '../llm/client.js';
import { isObject, parsedJson, type WireObject } from '../llm/providers/shared/wire-values.js';
import {
  askedBody,
  type Endpoint,
  endpointAt,
  isObservedPath,
  modelIn,
  type Sdk,
} from './endpoints.js';
import { InnerCall } from './inner-call.js';
import { LateAbort } from './late-abort.js';
import { isMarked, markOf } from './layers.js';
import type { Fetch } from './sdk-client.js';
import {
  failingResponse,
  type ForeignRequest,
  ObservedCall,
  type ObservedClient,
} from './observed-call.js';

/** Requests that are observed, but for the label, which depends on the server. */
export type ObservedRequests = Omit<ObservedClient, 'label'> & {
  readonly label: string | undefined;
};

type Input = Parameters<Fetch>[0];
type Init = NonNullable<Parameters<Fetch>[1]>;

/** A request to an LLM, as its caller gave it to `fetch`. */
interface LlmFetch {
  readonly sdk: Sdk;
  readonly endpoint: Endpoint;
  readonly body: WireObject;
}

/** A `fetch` whose requests to LLMs are runs. Other requests are handed on as they are. */
export function foreignFetch(inner: Fetch, observed: ObservedRequests): Fetch {
  return (input, init) => {
    const url = urlOf(input);
    if (url === undefined || methodOf(input, init) !== 'POST' || !isObservedPath(url.pathname))
      return inner(input, init);
    const { runs, usage } = observed;
    const isCounted =
      isMarked(init, runs) || (runs.isInModelCall && runs.innerRequests === undefined);
    return isCounted && usage !== 'ask'
      ? inner(input, init)
      : observe({ inner, observed, input, init }, url);
  };
}

interface Fetching {
  readonly inner: Fetch;
  readonly observed: ObservedRequests;
  readonly input: Input;
  readonly init: Init | undefined;
}

async function observe(fetching: Fetching, url: URL): Promise<Response> {
  const { inner, observed, input, init } = fetching;
  const request = await llmFetchOf(fetching, url);
  if (request === undefined) return inner(input, init);
  const { sdk, endpoint } = request;
  const client: ObservedClient = {
    ...observed,
    label: observed.label ?? defaultLabel(sdk, { baseURL: url.href }) ?? sdk,
  };
  const { runs } = observed;
  const asked = askedBody(endpoint, request.body, client.usage);
  const sent = asked === request.body ? init : { ...init, ...changedBody(fetching, asked) };
  if (isMarked(init, runs)) return inner(input, sent);
  const given = init?.signal ?? asRequest(input)?.signal;
  const send = (signal: AbortSignal | undefined) => (stop: AbortController) =>
    inner(input, { ...sent, ...markOf(runs), signal: joined(signal, stop.signal) });
  const body = { ...asked, model: modelIn(asked, url.pathname) };
  if (!runs.isInModelCall) {
    const late = given && isOfSdk(input, init) ? new LateAbort(given) : undefined;
    const signal = late?.signal ?? given;
    const server = { host: url.hostname, address: addressOf(url.href) };
    const call = newCall(client, { endpoint, body, server, signal });
    const response = await sendByGate(call, send(signal), isOfSdk(input, init));
    late?.answered(() => call.isRead);
    return response;
  }
  const part = InnerCall.of(client, endpoint, body);
  return part === undefined ? inner(input, sent) : part.send(send(given));
}

function newCall(
  client: ObservedClient,
  request: Pick<ForeignRequest, 'endpoint' | 'body' | 'server' | 'signal'>,
): ObservedCall {
  // What the caller sends again is a request of its own.
  return new ObservedCall(client, { ...request, maxRetries: 0, shouldRetry: () => false });
}

async function sendByGate(
  call: ObservedCall,
  send: Parameters<ObservedCall['send']>[0],
  isOfClient: boolean,
): Promise<Response> {
  try {
    await call.open();
  } catch (error) {
    // Clients of SDKs retry a `fetch` that rejects, but not a body that fails.
    if (isOfClient) return failingResponse(error, call.streaming);
    throw error;
  }
  return call.send(send);
}

/** A signal that either of the two aborts; the caller's may outlive many calls. */
function joined(signal: AbortSignal | null | undefined, stop: AbortSignal): AbortSignal {
  return signal ? AbortSignal.any([signal, stop]) : stop;
}

/** Of any implementation of `fetch`. */
function asRequest(input: Input): Request | undefined {
  const { url } = Object(input) as { url?: unknown };
  return typeof url === 'string' ? (input as Request) : undefined;
}

function urlOf(input: Input): URL | undefined {
  const { href, url } = Object(input) as { href?: unknown; url?: unknown };
  const text: unknown = typeof input === 'string' ? input : (href ?? url);
  return typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
}

function methodOf(input: Input, init: Init | undefined): string {
  return String(init?.method ?? asRequest(input)?.method).toUpperCase();
}

function headersOf(input: Input, init: Init | undefined): Headers {
  return new Headers(init?.headers ?? asRequest(input)?.headers);
}

function isOfSdk(input: Input, init: Init | undefined): boolean {
  return headersOf(input, init).has('x-stainless-lang');
}

/** `undefined` for a request that asks no LLM, and for a body that cannot be read twice. */
async function llmFetchOf(fetching: Fetching, url: URL): Promise<LlmFetch | undefined> {
  // What cannot be read is the caller's fault, which `fetch` reports.
  const text = await bodyOf(fetching).catch(() => undefined);
  const body = text === undefined ? undefined : parsedJson(text);
  if (!isObject(body)) return undefined;
  const known = endpointAt(url.pathname, body);
  return known && { ...known, body };
}

async function bodyOf({ input, init }: Fetching): Promise<string | undefined> {
  const body = init?.body;
  if (typeof body === 'string') return body;
  if (types.isAnyArrayBuffer(body) || ArrayBuffer.isView(body))
    return new TextDecoder().decode(body);
  const request = asRequest(input);
  return (body ?? undefined) === undefined ? request?.clone().text() : undefined;
}

/** The same request with another body. */
function changedBody({ input, init }: Fetching, body: WireObject): Init {
  const headers = headersOf(input, init);
  headers.delete('content-length');
  return { headers, body: JSON.stringify(body) };
}
