import type { RunContext } from '../run/index.js';
import type { LlmRequest } from '../shapes/index.js';
import type { LlmProvider } from './llm-provider.js';

/** How a client reaches its model. */
export interface LlmOptions {
  /** The SDK to use, or an own {@link LlmProvider}. */
  provider: 'openai' | 'anthropic' | LlmProvider;
  /** The model of calls that name none. */
  model: string;
  /**
   * A ready client of the provider's SDK, wrapped or mocked as you like; the options below are then not used. So that
   * its retries can be told, the `fetch` of a plain SDK client is wrapped in place, and acts only on our calls.
   */
  client?: object;
  /** @default the SDK's own environment variable: `OPENAI_API_KEY`, `ANTHROPIC_API_KEY` */
  apiKey?: string;
  /** Any server that speaks the provider's protocol: vLLM, Ollama, Groq, OpenRouter … */
  baseURL?: string;
  /** The SDK's own limit for one request, in milliseconds. `timeoutMs` of a call spans all its requests. */
  timeout?: number;
  /** How often the SDK tries again. */
  maxRetries?: number;
  /** Headers of every request. */
  defaultHeaders?: Record<string, string>;
  /** Names the client's provider in events, errors and prices, in place of the provider's own name: `'groq'` … */
  label?: string;
}

/** Options of one call. */
export interface LlmCallOptions extends Partial<Omit<LlmRequest, 'messages'>>, RunContext {
  /** Aborts the call; its reason becomes the `cause` of the `LlmAbortedError`. */
  signal?: AbortSignal;
  /** Milliseconds that the whole call may take, retries and start hooks included. */
  timeoutMs?: number;
  /** Callbacks of this call and everything nested in it. */
  callbacks?: object[];
}

/** Options of one streamed call. */
export interface LlmStreamOptions extends LlmCallOptions {
  /**
   * Whether text is kept for the final response; without it, a stream of any length takes constant memory.
   * @default true
   */
  collect?: boolean;
}
