import type { RequestContext } from '../events/event.js';
import type { CurrentContext } from '../runs/run-context.js';
import type { RunContext } from '../runs/request-context.js';
import type { StopSource } from '../runs/cancellation.js';
import type { Schema } from '../schema/schema.js';
import type { EmbedRequest, LlmRequest } from '../types/llm.js';
import type { LlmProvider } from './llm-provider.js';

/** Returns the API key for a request. */
export type ApiKeySource = (context: RequestContext) => string | Promise<string>;

/** What {@link LlmOptions.resolve} returns for one call; fields that are left out keep the client's value. */
export interface Overrides {
  /** The key, in place of the client's key and the environment's. */
  apiKey?: string | undefined;
  /** Another server. The client's key and headers are not sent to it: return those that it needs. */
  baseURL?: string | undefined;
  /** Headers of every request, added to the client's headers; a header of the same name replaces the client's. */
  defaultHeaders?: Record<string, string> | undefined;
  /** The model, in place of the call's and the client's model. */
  model?: string | undefined;
  /** A ready client of the provider's SDK; it has its own key, server and headers. */
  client?: object | undefined;
}

/** Chooses the key, server and model of a call. */
export type ResolveClient = (
  context: CurrentContext,
  call: { readonly model: string },
) => Overrides | undefined | Promise<Overrides | undefined>;

/** How a client reaches its model. */
export interface LlmOptions {
  /** The SDK to use, or a custom {@link LlmProvider}. */
  provider: 'openai' | 'anthropic' | LlmProvider;
  /** The model for calls that do not name one. */
  model: string;
  /**
   * The model that embeds texts, for calls of `embed` that do not name one.
   * @default none
   */
  embeddingModel?: string;
  /**
   * Which of OpenAI's two APIs to call, with provider `'openai'`: chat completions, which every compatible server
   * supports, or Responses, where models keep their reasoning between turns. Nothing is stored at the server: reasoning
   * is kept, encrypted, in `providerData` of the messages. Responses do not support `stop`.
   * @default 'chat'
   */
  api?: 'chat' | 'responses';
  /**
   * A ready client of the provider's SDK, wrapped or mocked as you like; the options below are then ignored. To emit
   * its retries, the `fetch` of a plain SDK client is wrapped in place; the wrapper acts only on calls of this package.
   */
  client?: object;
  /**
   * The key, or a function that is called for each request to the provider: for keys that are renewed or differ between
   * users. An error that it throws is the error of the call, unchanged.
   * @default the SDK's own environment variable: `OPENAI_API_KEY`, `ANTHROPIC_API_KEY`
   */
  apiKey?: string | ApiKeySource;
  /**
   * Chooses key, server, headers, client or model of each call by its context. Called once per call, before
   * `llm.start`; for a stream, at its first read; and for each client that an interceptor selects with
   * `next(…, { client })`. An error that it throws is the error of the call, unchanged, and nothing is sent.
   *
   * @example
   * ```ts
   * llm: {
   *   provider: 'openai',
   *   model: 'gpt-5-mini',
   *   resolve: async ({ tenantId }) => ({ apiKey: await vault.keyOf(tenantId) }),
   * }
   * ```
   */
  resolve?: ResolveClient;
  /**
   * How many SDK clients are cached for keys and servers that `resolve` or an `apiKey` function returns. The least
   * recently used one is evicted first and created again when needed.
   * @default 100
   */
  maxClients?: number;
  /** Any server that supports the provider's protocol: vLLM, Ollama, Groq, OpenRouter … */
  baseURL?: string;
  /** The SDK's own limit for one request, in milliseconds. `timeoutMs` of a call spans all its requests. */
  timeout?: number;
  /** How often the SDK retries. */
  maxRetries?: number;
  /** Headers of every request. */
  defaultHeaders?: Record<string, string>;
  /**
   * Names the client's provider in events, errors and prices; it does not change what is sent.
   * @default the provider that the client's class or its host belongs to (`'azure'`, `'bedrock'`, `'groq'` …), else the
   * provider's own name
   */
  label?: string;
  /**
   * The name of the output token limit (`maxOutputTokens`) in chat completions of provider `'openai'`.
   * @default `'max_completion_tokens'` for the hosts of OpenAI and Azure, and for the models `gpt-5…`, `o1…`, `o3…` and
   * `o4…` on any host; otherwise `'max_tokens'`
   */
  limitParameter?: 'max_tokens' | 'max_completion_tokens';
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const LlmOptions: object = Object;

const STOP_SOURCE: unique symbol = Symbol('stopSource');
const PAUSABLE: unique symbol = Symbol('pausable');

/** What stops a call from outside. */
export interface StopOptions {
  /** Aborts the call; its reason becomes the `cause` of the `LlmAbortedError`. */
  signal?: AbortSignal;
  /** @internal */
  [STOP_SOURCE]?: StopSource;
  /** The most milliseconds that the whole call may take, retries and start handlers included. */
  timeoutMs?: number;
}

/** Options of one call. */
export interface LlmCallOptions<T = unknown>
  extends Partial<Omit<LlmRequest, 'messages' | 'schema'>>, StopOptions, RunContext {
  /**
   * The schema of the answer: a Standard Schema (zod 4 …) or a plain JSON Schema. The provider enforces it where it
   * can, the answer is checked, and the model may repair it once; the schema's output is `response.object`.
   */
  schema?: Schema<T>;
  /** @internal */
  [PAUSABLE]?: boolean;
  /** Callbacks of this call and everything nested in it. */
  callbacks?: object[];
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const LlmCallOptions: object = Object;

/** Options of one call that embeds texts. */
export interface EmbedOptions
  extends Partial<Omit<EmbedRequest, 'input'>>, StopOptions, RunContext {
  /** Callbacks of this call. */
  callbacks?: object[];
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const EmbedOptions: object = Object;

/** Options of one streamed call. */
export interface LlmStreamOptions<T = unknown> extends LlmCallOptions<T> {
  /**
   * Whether text is kept for the final response; without it, a stream of any length takes constant memory.
   * @default true
   */
  collect?: boolean;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const LlmStreamOptions: object = Object;

/** Options of a call that stops with the run that starts it; its signal is created only on request. @internal */
export function stoppedWith(source: StopSource & { readonly signal: AbortSignal }): LlmCallOptions {
  return {
    [STOP_SOURCE]: source,
    get signal() {
      return source.signal;
    },
  };
}

/**
 * Lets a call with a schema succeed without a value when the provider pauses the turn, because the caller continues it.
 * @internal
 */
export function pausable(options: LlmCallOptions): LlmCallOptions {
  options[PAUSABLE] = true;
  return options;
}

/** Whether the caller of a call continues a paused turn. @internal */
export function isPausable(options: LlmCallOptions): boolean {
  return options[PAUSABLE] ?? false;
}

/** What stops a call from outside. @internal */
export function stopSourceOf(options: StopOptions): AbortSignal | StopSource | undefined {
  return options[STOP_SOURCE] ?? options.signal;
}
