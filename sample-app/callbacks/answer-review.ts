import { Injectable, Logger } from '@nestjs/common';
import { CallbackScope, OnLlmEnd, type LlmEndEvent } from 'nestjs-llm-callbacks';
import { line } from '../terminal/line.js';

/**
 * Reviews the answers to customers. Scoped: it handles only the client named 'support', not the triage before it. In
 * the background, because no customer should wait for it: a real review calls another model.
 */
@Injectable()
@CallbackScope('support')
export class AnswerReview {
  readonly #logger = new Logger('review');

  // An agent's turn with tool calls is not an answer yet.
  @OnLlmEnd({ background: true, when: ({ toolCalls }) => toolCalls.length === 0 })
  review(event: LlmEndEvent): void {
    const words = event.text.split(/\s+/).filter(Boolean).length;
    const verdict =
      event.finishReason === 'stop' ? 'complete' : `cut short (${event.finishReason})`;
    this.#logger.log(line(event, `the answer has ${words} words and is ${verdict}`));
  }
}
