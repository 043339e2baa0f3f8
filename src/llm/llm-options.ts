import type { RequestContext } from '../events/run-info.js';
import type { CurrentContext } from '../runs/current-context.js';
import type { RunContext } from '../runs/request-context.js';
import type { StopSource } from '../runs/run-stops.js';
import type { Schema } from '../schema/schema.js';
import type { LlmRequest } from '../types/llm.js';
import type { LlmProvider } from './llm-provider.js';

/** Gives the API key of a request. */
export type ApiKeySource = (context: RequestContext) => string | Promise<string>;

/** What {@link LlmOptions.resolve} says of one call; what it leaves out is that of the client. */
export interface Overrides {
  /** The key, in place of the client's, also in place of the environment's. */
  apiKey?: string | undefined;
  /** Another server. The client's key and headers are not sent to it: give those that it needs. */
  baseURL?: string | undefined;
  /** Headers of every request, added to those of the client; a header of the same name replaces the client's. */
  defaultHeaders?: Record<string, string> | undefined;
  /** The model, in place of the call's and the client's. */
  model?: string | undefined;
  /** A ready client of the provider's SDK; it has a key, a server and headers of its own. */
  client?: object | undefined;
}

/** Chooses key, server and model of a call. */
export type ResolveClient = (
  context: CurrentContext,
  call: { readonly model: string },
) => Overrides | undefined | Promise<Overrides | undefined>;

/** How a client reaches its model. */
export interface LlmOptions {
  /** The SDK to use, or an own {@link LlmProvider}. */
  provider: 'openai' | 'anthropic' | LlmProvider;
  /** The model of calls that name none. */
  model: string;
  /**
   * Which of OpenAI's two APIs is called, with provider `'openai'`: chat completions, which every compatible server
   * speaks, or Responses, where models keep their thoughts from one turn to the next. Nothing is stored at the server:
   * thoughts travel, encrypted, in `providerData` of the messages. Responses have no `stop`.
   * @default 'chat'
   */
  api?: 'chat' | 'responses';
  /**
   * A ready client of the provider's SDK, wrapped or mocked as you like; the options below are then not used. So that
   * its retries can be told, the `fetch` of a plain SDK client is wrapped in place, and acts only on our calls.
   */
  client?: object;
  /**
   * The key, or a function that is called for each request to the provider: for keys that are renewed, or differ between
   * users. What it throws is the error of the call as it is.
   * @default the SDK's own environment variable: `OPENAI_API_KEY`, `ANTHROPIC_API_KEY`
   */
  apiKey?: string | ApiKeySource;
  /**
   * Chooses key, server, headers, client or model of each call, by who is asking. Called once for each call, before
   * `llm.start`; for a stream at its first read; and for each client that an interceptor asks by `next(…, { client })`.
   * What it throws is the error of the call as it is, and nothing is sent.
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
   * How many SDK clients are kept for keys and servers that `resolve` or an `apiKey` function gives, the least recently
   * used one leaving first. A client that left is made again.
   * @default 100
   */
  maxClients?: number;
  /** Any server that speaks the provider's protocol: vLLM, Ollama, Groq, OpenRouter … */
  baseURL?: string;
  /** The SDK's own limit for one request, in milliseconds. `timeoutMs` of a call spans all its requests. */
  timeout?: number;
  /** How often the SDK tries again. */
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
   * How chat completions of provider `'openai'` name the limit of output tokens (`maxOutputTokens`).
   * @default `'max_completion_tokens'` for the hosts of OpenAI and Azure, and for the models `gpt-5…`, `o1…`, `o3…` and
   * `o4…` on any host; otherwise `'max_tokens'`
   */
  limitParameter?: 'max_tokens' | 'max_completion_tokens';
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const LlmOptions: object = Object;

const STOP_SOURCE: unique symbol = Symbol('stopSource');
const PAUSABLE: unique symbol = Symbol('pausable');

/** Options of one call. */
export interface LlmCallOptions<T = unknown>
  extends Partial<Omit<LlmRequest, 'messages' | 'schema'>>, RunContext {
  /**
   * What the answer must be: a Standard Schema (zod 4 …) or a plain JSON Schema. The provider is held to it where it can
   * be, the answer is checked, and the model may mend it once; what the schema makes of it is `response.object`.
   */
  schema?: Schema<T>;
  /** Aborts the call; its reason becomes the `cause` of the `LlmAbortedError`. */
  signal?: AbortSignal;
  /** @internal */
  [STOP_SOURCE]?: StopSource;
  /** @internal */
  [PAUSABLE]?: boolean;
  /** Milliseconds that the whole call may take, retries and start hooks included. */
  timeoutMs?: number;
  /** Callbacks of this call and everything nested in it. */
  callbacks?: object[];
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const LlmCallOptions: object = Object;

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

/** Options of a call that is stopped with the run that makes it; its signal is there for those who ask for it. @internal */
export function stoppedWith(
  source: StopSource & { readonly run: { signal: AbortSignal } },
): LlmCallOptions {
  return {
    [STOP_SOURCE]: source,
    get signal() {
      return source.run.signal;
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
export function stopSourceOf(options: LlmCallOptions): AbortSignal | StopSource | undefined {
  return options[STOP_SOURCE] ?? options.signal;
}
