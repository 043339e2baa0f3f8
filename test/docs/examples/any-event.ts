import { Injectable, Logger } from '@nestjs/common';
import { CallbacksError, OnAnyEvent, type CallbackEvent } from 'nestjs-llm-callbacks';

@Injectable()
export class Trace {
  readonly #logger = new Logger('Trace');

  @OnAnyEvent()
  log(event: CallbackEvent) {
    switch (event.type) {
      case 'llm.end':
        return this.#logger.log(`${event.runId} ${event.finishReason} ${event.durationMs} ms`);
      case 'llm.error':
        return this.#logger.log(`${event.runId} ${codeOf(event.error)}`);
      default:
        return this.#logger.log(`${event.runId} ${event.type}`);
    }
  }
}

function codeOf(error: Error) {
  return error instanceof CallbacksError ? error.code : error.name;
}
