import type { RequestContext } from '../events/event.js';
import type { LlmChunk, LlmRequest, ProviderResult } from '../types/llm.js';
import type { Usage } from '../types/usage.js';

/** A failed attempt that is retried. */
export interface LlmRetry {
  readonly error: Error;
  /** The delay before the next attempt, in milliseconds; it may have passed already. */
  readonly delayMs: number;
}

/** What a provider gets besides the request. */
export interface LlmProviderContext {
  /** The context of the call: user, tenant, conversation, tags … */
  readonly context: RequestContext;
  /** Fires when the call is aborted: stop the request then. */
  readonly signal: AbortSignal;
  /** `false` on a stream whose text is not needed: leave it out of the result. */
  readonly collect: boolean;
  /** How often the provider may retry by itself; if absent, the provider decides. */
  readonly maxRetries?: number | undefined;
  /** When the call's `timeoutMs` expires, by `performance.now()`; absent if the call has no such limit. */
  readonly deadline?: number | undefined;
  /** Call it for every attempt after the first. */
  readonly onRetry: (retry: LlmRetry) => void;
  /**
   * Call it when the server reports counts so far, so that a call cut short can be billed. Use `source: 'estimated'`
   * while the output is not counted; it is then estimated from the chunks.
   */
  readonly onUsage: (usage: Usage) => void;
  /** Call it when a stream reports which model answers; its price then also applies to a call that is cut short. */
  onModel(model: string): void;
}

/**
 * The interface to a model: implement it, and pass an instance as `llm.provider`, to add a provider.
 *
 * Errors of the `LlmError` tree reach the caller unchanged; other errors are wrapped in one, as its `cause`.
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
  /** The provider's name in events, errors and prices. */
  readonly name: string;
  /** Called once at start-up: throw a `CallbacksConfigurationError` to prevent the start. */
  prepare?(): void | Promise<void>;
  /** Returns one answer. `usage` is {@link UNREPORTED_USAGE} if the server sent none. */
  generate(request: LlmRequest, context: LlmProviderContext): Promise<ProviderResult>;
  /** Yields the pieces of an answer as they arrive; the last item is the result. */
  stream(
    request: LlmRequest,
    context: LlmProviderContext,
  ): AsyncIterable<LlmChunk | ProviderResult>;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const LlmProvider: object = Object;

/** A provider that declares whether its own code starts runs. */
export interface ContextFreeProvider extends LlmProvider {
  /** `true`: its code starts no runs and needs no async context, which would slow down all of its promises. */
  readonly contextFree: boolean;
}

/** Whether a provider's own code starts no runs, as far as known. */
export function isContextFree(provider: LlmProvider): boolean {
  return (provider as Partial<ContextFreeProvider>).contextFree ?? false;
}
