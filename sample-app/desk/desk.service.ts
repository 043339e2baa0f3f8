import { Injectable } from '@nestjs/common';
import { InjectLlm, LlmService, type LlmStream } from 'nestjs-llm-callbacks';

const TOPICS = ['shipping', 'billing', 'product', 'other'] as const;
export type Topic = (typeof TOPICS)[number];

export interface Answer {
  topic: Topic;
  answer: string;
}

const TRIAGE = `You sort questions of customers. Answer with one word: ${TOPICS.join(', ')}.`;
const PERSONA = 'You help the customers of a small web shop. Answer in at most three sentences.';
/** With `providerOptions`, which are passed to the SDK unchanged. */
const QUICK = { maxOutputTokens: 150, providerOptions: { reasoning_effort: 'minimal' } };

@Injectable()
export class DeskService {
  constructor(
    private readonly llm: LlmService,
    @InjectLlm('support') private readonly support: LlmService,
  ) {}

  /** Two calls, two providers, one request. */
  async answer(question: string): Promise<Answer> {
    const { text } = await this.llm.generate(question, { system: TRIAGE, maxOutputTokens: 10 });
    const topic = TOPICS.find((known) => text.toLowerCase().includes(known)) ?? 'other';
    const { text: answer } = await this.support.generate(question, {
      system: `${PERSONA} The question is about: ${topic}.`,
      tags: [topic],
      ...QUICK,
    });
    return { topic, answer };
  }

  /** Nothing is sent before the stream is read. */
  stream(question: string): LlmStream {
    return this.support.stream(question, { system: PERSONA, ...QUICK });
  }
}
