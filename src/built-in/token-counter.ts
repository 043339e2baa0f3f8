import { Injectable } from '@nestjs/common';
import { brand } from '../util/brand.js';
import { OnEmbeddingEnd, OnEmbeddingError, OnLlmEnd, OnLlmError } from '../handlers/decorators.js';
import type { ModelTerminalEvent } from '../events/llm.events.js';
import { addUsage, NO_USAGE, type Usage } from '../types/usage.js';

/** Counts the tokens of LLM calls and embeddings, failed and cancelled ones included. */
@Injectable()
export class TokenCounter {
  static {
    brand(this, 'class:TokenCounter');
  }

  #usage: Usage = { ...NO_USAGE };

  /** Input tokens, cached ones included. */
  get promptTokens(): number {
    return this.#usage.inputTokens;
  }
  /** Output tokens, reasoning included. */
  get completionTokens(): number {
    return this.#usage.outputTokens;
  }
  get totalTokens(): number {
    return this.#usage.totalTokens;
  }
  /** Input tokens read from the provider's prompt cache. */
  get cachedTokens(): number {
    return this.#usage.cachedInputTokens;
  }

  /** For `JSON.stringify`, and for controllers that return the counter itself. */
  toJSON(): Record<'promptTokens' | 'completionTokens' | 'totalTokens' | 'cachedTokens', number> {
    const { promptTokens, completionTokens, totalTokens, cachedTokens } = this;
    return { promptTokens, completionTokens, totalTokens, cachedTokens };
  }

  /** Resets the counts to zero. */
  reset(): void {
    this.#usage = { ...NO_USAGE };
  }

  @OnLlmEnd({ contextFree: true })
  @OnLlmError({ contextFree: true })
  @OnEmbeddingEnd({ contextFree: true })
  @OnEmbeddingError({ contextFree: true })
  protected count(event: ModelTerminalEvent): void {
    this.#usage = addUsage(this.#usage, event.usage);
  }
}
