import { Injectable, Logger } from '@nestjs/common';
import { CallbackScope, OnLlmEnd, type LlmEndEvent } from 'nestjs-llm-callbacks';
import { line } from '../terminal/line.js';

/**
 * Looks at what customers are told. Scoped: it hears the client named 'support' and not the triage before it. In the
 * background, because no customer should wait for it: a real review asks another model.
 */
@Injectable()
@CallbackScope('support')
export class AnswerReview {
  readonly #logger = new Logger('review');

  // A turn of the agent that calls tools is no answer yet.
  @OnLlmEnd({ background: true, when: ({ toolCalls }) => toolCalls.length === 0 })
  review(event: LlmEndEvent): void {
    const words = event.text.split(/\s+/).filter(Boolean).length;
    const verdict =
      event.finishReason === 'stop' ? 'complete' : `cut short (${event.finishReason})`;
    this.#logger.log(line(event, `the answer has ${words} words and is ${verdict}`));
  }
}
