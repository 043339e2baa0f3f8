import { Injectable, Logger } from '@nestjs/common';
import { OnLlmEnd, OnLlmStart, type LlmEndEvent, type LlmStartEvent } from 'nestjs-llm-callbacks';

@Injectable()
export class ContextAware {
  readonly #logger = new Logger('LLM');

  @OnLlmStart()
  starting(event: LlmStartEvent) {
    const { requestId, traceId, userId = 'nobody', provider, model } = event;
    this.#logger.log(`[${requestId}] ${provider}/${model} for ${userId}, trace ${traceId}`);
  }

  @OnLlmEnd()
  completed({ requestId, durationMs, tokenCount, cost }: LlmEndEvent) {
    const price = cost === null ? 'price unknown' : `$${cost.toFixed(4)}`;
    this.#logger.log(`[${requestId}] ${Math.round(durationMs)} ms, ${tokenCount} tokens, ${price}`);
  }
}
