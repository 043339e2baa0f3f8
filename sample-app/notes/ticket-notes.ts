import { createOpenAI } from '@ai-sdk/openai';
import { Injectable } from '@nestjs/common';
import { generateText, type LanguageModel } from 'ai';
import { CallbacksService } from 'nestjs-llm-callbacks';
import OpenAI from 'openai';
import { ModelConnections } from '../models/model-connections.js';
import { MODELS } from '../models/models.js';

export interface Notes {
  summary: string;
  subject: string;
}

const SUM_UP = 'Sum up the question of a customer for a colleague, in one sentence.';
const SUBJECT = 'Suggest a subject line of at most eight words for an e-mail about this.';

/**
 * Notes for colleagues, by clients that are not this library's: one of `openai`, and one of AI SDK. Their calls are runs
 * like all others: gated, audited, and counted by the same limits.
 */
@Injectable()
export class TicketNotes {
  readonly #openai: OpenAI;
  readonly #model: LanguageModel;

  constructor(callbacks: CallbacksService, { openai }: ModelConnections) {
    this.#openai = callbacks.observe(new OpenAI(openai), { tags: ['notes'] });
    const provider = createOpenAI({ ...openai, fetch: callbacks.fetch({ tags: ['notes'] }) });
    this.#model = provider.chat(MODELS.support);
  }

  async write(question: string): Promise<Notes> {
    const summary = await this.sumUp(question);
    return { summary, subject: await this.suggestSubject(summary) };
  }

  /** The request sets its own maximum: interceptors cannot bound the answer of an observed call. */
  async sumUp(question: string): Promise<string> {
    const { choices } = await this.#openai.chat.completions.create({
      model: MODELS.support,
      messages: [
        { role: 'system', content: SUM_UP },
        { role: 'user', content: question },
      ],
      max_completion_tokens: 100,
      reasoning_effort: 'minimal',
    });
    return choices[0]?.message.content ?? '';
  }

  async suggestSubject(text: string): Promise<string> {
    const { text: subject } = await generateText({
      model: this.#model,
      system: SUBJECT,
      prompt: text,
      maxOutputTokens: 50,
      providerOptions: { openai: { reasoningEffort: 'minimal' } },
    });
    return subject;
  }
}
