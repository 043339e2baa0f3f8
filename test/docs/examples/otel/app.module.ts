import { Module } from '@nestjs/common';
import { CallbacksModule, type LlmOptions } from 'nestjs-llm-callbacks';
import { OpenTelemetryCallbacks } from 'nestjs-llm-callbacks/otel';

export const llm: LlmOptions = { provider: 'openai', model: 'gpt-4o-mini', apiKey: 'sk-…' };

// #region module
@Module({
  imports: [CallbacksModule.forRoot({ llm, callbacks: [new OpenTelemetryCallbacks()] })],
})
export class AppModule {}
// #endregion

// #region content
export const withContent = new OpenTelemetryCallbacks({ content: 'spans' });
// #endregion
