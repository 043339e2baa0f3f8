import Anthropic from '@anthropic-ai/sdk';
import { Injectable, Module } from '@nestjs/common';
import { CallbacksModule, InjectLlm, LlmService } from 'nestjs-llm-callbacks';

// #region named
@Injectable()
export class Desk {
  constructor(
    private readonly llm: LlmService, // the client of forRoot
    @InjectLlm('support') private readonly support: LlmService,
  ) {}

  async answer(question: string) {
    const { text: topic } = await this.llm.generate(`What is this about? ${question}`);
    return this.support.generate(question, { system: `Help with: ${topic}`, tags: ['desk'] });
  }
}

@Module({
  imports: [
    CallbacksModule.forRoot({ llm: { provider: 'openai', model: 'gpt-5-mini' } }),
    CallbacksModule.forFeature([
      { name: 'support', llm: { provider: 'anthropic', model: 'claude-haiku-4-5' } },
      { name: 'drafts', llm: { model: 'gpt-5-nano' } }, // the rest is forRoot's
    ]),
  ],
  providers: [Desk],
})
export class AppModule {}
// #endregion

// #region ready
export const readyClient = CallbacksModule.forRoot({
  llm: {
    provider: 'anthropic',
    model: 'claude-haiku-4-5',
    client: new Anthropic({ apiKey: process.env.TEAM_KEY ?? '', maxRetries: 5 }),
  },
});
// #endregion

// #region compatible
export const ollama = CallbacksModule.forRoot({
  llm: {
    provider: 'openai', // the protocol
    baseURL: 'http://localhost:11434/v1',
    model: 'llama3.2',
    label: 'ollama', // the name in events, errors and prices
  },
  prices: { 'ollama/llama3.2': { inputPerMillion: 0, outputPerMillion: 0 } },
});
// #endregion

// #region async
@Injectable()
export class Settings {
  readonly model = process.env.MODEL ?? 'gpt-5-mini';
}

@Module({ providers: [Settings], exports: [Settings] })
export class SettingsModule {}

export const fromSettings = CallbacksModule.forRootAsync({
  imports: [SettingsModule],
  inject: [Settings],
  useFactory: (settings: Settings) => ({ llm: { provider: 'openai', model: settings.model } }),
});
// #endregion

// #region responses
export const withThoughts = CallbacksModule.forRoot({
  llm: { provider: 'openai', model: 'gpt-5-mini', api: 'responses' },
});
// #endregion
