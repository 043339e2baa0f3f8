import {
  BudgetExceededError,
  OnLlmEnd,
  OnLlmError,
  OnLlmStart,
  type LlmEndEvent,
  type LlmErrorEvent,
} from 'nestjs-llm-callbacks';

export class CostLimit {
  #spent = 0;

  constructor(private readonly maxCost: number) {}

  // A CallbackAbort: the provider is not called, and the caller gets this error.
  @OnLlmStart({ order: -10 })
  refuse() {
    if (this.#spent >= this.maxCost) {
      throw new BudgetExceededError(`The budget of $${this.maxCost} is used up.`);
    }
  }

  // Only adds: an answer that was paid for is never thrown away.
  @OnLlmEnd()
  @OnLlmError()
  add(event: LlmEndEvent | LlmErrorEvent) {
    this.#spent += event.cost ?? 0;
  }
}
