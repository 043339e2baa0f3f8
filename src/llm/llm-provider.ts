import type { RequestContext } from '../events/run-info.js';
import type { LlmChunk, LlmRequest, ProviderResult } from '../types/llm.js';
import type { Usage } from '../types/usage.js';

/** A try that failed and is made again. */
export interface LlmRetry {
  readonly error: Error;
  /** How long is waited, or was waited, before the next try, in milliseconds. */
  readonly delayMs: number;
}

/** What a provider gets besides the request. */
export interface LlmProviderContext {
  /** Who is asking: user, tenant, conversation, tags … */
  readonly context: RequestContext;
  /** Fires when the call is aborted: stop the request then. */
  readonly signal: AbortSignal;
  /** `false` on a stream whose text nobody wants: leave it out of the result. */
  readonly collect: boolean;
  /** How often the provider may try again by itself; where it is absent, that is the provider's own affair. */
  readonly maxRetries?: number | undefined;
  /** When `timeoutMs` of the call ends, by `performance.now()`; absent where the call has no such limit. */
  readonly deadline?: number | undefined;
  /** To be called for every try beyond the first. */
  readonly onRetry: (retry: LlmRetry) => void;
  /**
   * To be called when the server tells what it has counted so far, so that a call cut short can be billed; with
   * `source: 'estimated'` while it has not counted the output, which is then estimated from the chunks.
   */
  readonly onUsage: (usage: Usage) => void;
  /** To be called when a stream tells which model answers, whose price then holds for a call that is cut short too. */
  onModel(model: string): void;
}

/**
 * The port to a model: implement it, and give an instance as `llm.provider`, to add a provider.
 *
 * Errors of the `LlmError` tree reach the caller as they are; others become one, with theirs as `cause`.
 *
 * @example
 * ```ts
 * class Parrot implements LlmProvider {
 *   readonly name = 'parrot';
 *   async generate({ model, messages }: LlmRequest): Promise<ProviderResult> {
 *     const text = String(messages.at(-1)?.content);
 *     const message = { role: 'assistant' as const, content: text };
 *     return { id: '1', model, text, message, toolCalls: [], finishReason: 'stop', usage: UNREPORTED_USAGE };
 *   }
 *   async *stream(request: LlmRequest) {
 *     const result = await this.generate(request);
 *     yield { type: 'text' as const, text: result.text };
 *     yield result;
 *   }
 * }
 * ```
 */
export interface LlmProvider {
  /** Names it in events, errors and prices. */
  readonly name: string;
  /** Called once while the application starts: refuse to start by a `CallbacksConfigurationError`. */
  prepare?(): void | Promise<void>;
  /** One answer. `usage` is {@link UNREPORTED_USAGE} where the server sent none. */
  generate(request: LlmRequest, context: LlmProviderContext): Promise<ProviderResult>;
  /** The pieces of an answer as they come; the last item is the result. */
  stream(
    request: LlmRequest,
    context: LlmProviderContext,
  ): AsyncIterable<LlmChunk | ProviderResult>;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const LlmProvider: object = Object;

/** A provider that knows whether its own code starts runs. */
export interface ContextFreeProvider extends LlmProvider {
  /** `true`: nothing does, and it needs no place in the flow, for which all of its promises would pay. */
  readonly contextFree: boolean;
}

/** Whether a provider's own code starts no runs, as far as is known. */
export function isContextFree(provider: LlmProvider): boolean {
  return (provider as Partial<ContextFreeProvider>).contextFree ?? false;
}
