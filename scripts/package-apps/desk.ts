import 'reflect-metadata';
import { Injectable } from '@nestjs/common';
import { Chain, LlmService, Retrieval } from 'nestjs-llm-callbacks';

@Injectable()
export class Texts {
  @Retrieval('texts')
  async find(query: string): Promise<string[]> {
    return [query];
  }
}

@Injectable()
export class Desk {
  constructor(
    private readonly llm: LlmService,
    private readonly texts: Texts,
  ) {}

  @Chain('answer')
  async answer(question: string): Promise<string> {
    await this.texts.find(question);
    return (await this.llm.generate(question)).text;
  }

  @Chain()
  count(question: string): number {
    return question.length;
  }
}
