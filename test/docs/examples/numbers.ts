import { Injectable } from '@nestjs/common';
import { CallbacksModule, LlmService, MetricsCallbacks } from 'nestjs-llm-callbacks';
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

// #region metrics
@Injectable()
export class Pace {
  constructor(private readonly metrics: MetricsCallbacks) {}

  /** `gpt-5-mini: 81 tokens/s, first chunk after 420 ms, 0 refused` */
  lines(): string[] {
    return Object.entries(this.metrics.summary().byModel).map(([name, measured]) => {
      const { tokensPerSecond, timeToFirstChunkMs, refused } = measured;
      const pace = `${Math.round(tokensPerSecond.p50)} tokens/s`;
      const first = `first chunk after ${Math.round(timeToFirstChunkMs.p50)} ms`;
      return `${name}: ${pace}, ${first}, ${refused} refused`;
    });
  }
}
// #endregion
