import { CallbacksModule, CostTracker, LoggingCallbacks, OnLlmEnd } from 'nestjs-llm-callbacks';
import { model } from '../fake-model.js';

// #region recipe
export class Receipt {
  readonly calls: string[] = [];

  @OnLlmEnd()
  inList() {
    this.calls.push('in list');
  }

  @OnLlmEnd({ order: 100 })
  afterAllOthers() {
    this.calls.push('after all others');
  }
}

export const inOrder = CallbacksModule.forRoot({
  llm: model,
  callbacks: [
    new LoggingCallbacks(), // called first
    new CostTracker(), // called second
    new Receipt(), // called third, and once more after all others
  ],
});
// #endregion
