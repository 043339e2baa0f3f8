import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable } from '@nestjs/common';
import { BindContext, type Bind, type CallbackEvent } from 'nestjs-llm-callbacks';

// #region bind
@Injectable()
export class RunLog {
  readonly #fields = new AsyncLocalStorage<{ runId: string; userId?: string | undefined }>();

  @BindContext()
  bind({ runId, userId }: CallbackEvent): Bind {
    return (work) => this.#fields.run({ runId, userId }, work);
  }

  /** A line of any code that a run calls, with the ids of the run. */
  line(text: string): string {
    return JSON.stringify({ text, ...this.#fields.getStore() });
  }
}
// #endregion
