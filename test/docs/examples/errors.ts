import {
  CallbacksError,
  LlmRateLimitError,
  LlmService,
  type LlmResponse,
} from 'nestjs-llm-callbacks';

export async function ask(llm: LlmService, question: string): Promise<LlmResponse | string> {
  try {
    return await llm.generate(question, { timeoutMs: 30_000 });
  } catch (error) {
    if (error instanceof LlmRateLimitError) return `again in ${error.retryAfterMs ?? 1_000} ms`;
    if (error instanceof CallbacksError && error.retryable) return `later: ${error.code}`;
    throw error;
  }
}
