import { ForbiddenException, Injectable } from '@nestjs/common';
import {
  CallbackAbort,
  OnLlmEnd,
  OnLlmStart,
  OnLlmStreamChunk,
  type HandlerContext,
  type LlmEndEvent,
  type LlmStartEvent,
  type LlmStreamChunkEvent,
} from 'nestjs-llm-callbacks';

export abstract class Collector {
  abstract send(event: object, signal: AbortSignal): Promise<void>;
}

// #region gate
@Injectable()
export class Gate {
  // The caller of generate() gets this very exception; in a controller it becomes a 403.
  @OnLlmStart({ critical: true, order: -100 })
  signedIn(event: LlmStartEvent) {
    if (event.userId === undefined) throw new ForbiddenException('Sign in first.');
  }

  // CallbackAbort needs no flag.
  @OnLlmStart({ when: (event) => event.messages.length > 50 })
  tooLong() {
    throw new CallbackAbort('This conversation is too long: start a new one.');
  }

  // Stops a stream in the middle: the provider's request is aborted.
  @OnLlmStreamChunk()
  endless({ index }: LlmStreamChunkEvent) {
    if (index >= 5_000) throw new CallbackAbort('The answer has no end.');
  }
}
// #endregion

// #region context-free
@Injectable()
export class AnswerCount {
  count = 0;

  // Starts no runs and reads no context, so it needs no async context of its own.
  @OnLlmEnd({ contextFree: true })
  add() {
    this.count++;
  }
}
// #endregion

// #region timeout
@Injectable()
export class Reporting {
  constructor(private readonly collector: Collector) {}

  // Awaited, but no longer than 500 ms; the signal fires then, and when the run is aborted.
  @OnLlmEnd({ timeoutMs: 500 })
  async report(event: LlmEndEvent, { signal }: HandlerContext) {
    await this.collector.send({ model: event.model, cost: event.cost }, signal);
  }
}
// #endregion
