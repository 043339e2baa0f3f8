import { createOpenAI } from '@ai-sdk/openai';
import { Injectable } from '@nestjs/common';
import { generateText } from 'ai';
import { CallbacksService } from 'nestjs-llm-callbacks';

// #region fetch
@Injectable()
export class Titles {
  private readonly openai: ReturnType<typeof createOpenAI>;

  constructor(callbacks: CallbacksService) {
    this.openai = createOpenAI({ fetch: callbacks.fetch({ tags: ['titles'] }) });
  }

  async suggest(text: string) {
    const model = this.openai.chat('gpt-5-mini');
    const { text: title } = await generateText({ model, prompt: `A title for: ${text}` });
    return title;
  }
}
// #endregion
