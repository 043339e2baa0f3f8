import { Injectable } from '@nestjs/common';
import { BindContext, OnAnyEvent, type Bind, type CallbackEvent } from 'nestjs-llm-callbacks';
import { Sentry } from '../../../support/isolation-scopes.js';

// #region scopes
@Injectable()
export class RunScopes {
  // What is captured anywhere in a run has its tags and its user.
  @BindContext()
  bind({ runId, traceId, scope, model, userId }: CallbackEvent): Bind {
    return (work) =>
      Sentry.withIsolationScope((isolation) => {
        isolation.setTag('llm.run_id', runId);
        isolation.setTag('llm.trace_id', traceId);
        isolation.setTag('llm.client', scope);
        if (model !== undefined) isolation.setTag('llm.model', model);
        if (userId !== undefined) isolation.setUser({ id: userId });
        return work();
      });
  }

  // Handlers are bound as well.
  @OnAnyEvent({ when: (event) => 'error' in event && event.type !== 'llm.retry' })
  capture(event: CallbackEvent) {
    if ('error' in event) Sentry.captureException(event.error);
  }
}
// #endregion
