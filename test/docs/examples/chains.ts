import { Injectable } from '@nestjs/common';
import { CallbacksService, Chain, LlmService, Retrieval } from 'nestjs-llm-callbacks';

export abstract class HelpTexts {
  abstract nearest(question: string, count: number): Promise<string[]>;
}

// #region methods
@Injectable()
export class HelpDesk {
  constructor(
    private readonly texts: HelpTexts,
    private readonly llm: LlmService,
  ) {}

  @Chain('answer question')
  async answer(question: string) {
    const texts = await this.search(question);
    const { text } = await this.llm.generate(question, { system: texts.join('\n') });
    return text;
  }

  @Retrieval('help texts')
  async search(question: string) {
    return this.texts.nearest(question, 3);
  }
}
// #endregion

// #region functions
@Injectable()
export class Digest {
  constructor(
    private readonly callbacks: CallbacksService,
    private readonly texts: HelpTexts,
    private readonly llm: LlmService,
  ) {}

  write(topic: string) {
    return this.callbacks.chain('write digest', topic, async (input, { signal }) => {
      const texts = await this.callbacks.retrieval(
        input,
        (query) => this.texts.nearest(query, 10),
        'help texts',
      );
      const { text } = await this.llm.generate(texts.join('\n'), { signal });
      return text;
    });
  }
}
// #endregion

// #region own-loop
export async function oneTurn(llm: LlmService, callbacks: CallbacksService) {
  const tools = [{ name: 'time', description: 'What time it is.' }];
  const { message, toolCalls } = await llm.generate('What time is it?', { tools });
  const results = await Promise.all(
    toolCalls.map(async ({ id, name, args }) => ({
      role: 'tool' as const,
      toolCallId: id,
      content: await callbacks.tool(name, args, () => '12:30'),
    })),
  );
  return llm.generate([{ role: 'user', content: 'What time is it?' }, message, ...results]);
}
// #endregion
