import { CallbacksModule, LlmService } from 'nestjs-llm-callbacks';
import { model } from './fake-model.js';

// #region prices
export const withPrices = CallbacksModule.forRoot({
  llm: model,
  prices: {
    'gpt-5-mini': { inputPerMillion: 0.5, outputPerMillion: 2, cachedInputPerMillion: 0.05 },
  },
});
// #endregion

// #region response
export async function priceOf(llm: LlmService, question: string) {
  const { usage, cost, attempts, durationMs } = await llm.generate(question);
  const price = cost === null ? 'price unknown' : `$${cost.toFixed(6)}`;
  return `${usage.totalTokens} tokens, ${price}, ${attempts.length} attempt(s), ${durationMs} ms`;
}
// #endregion
