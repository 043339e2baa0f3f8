import { Controller, Get, Module } from '@nestjs/common';
import {
  CallbacksModule,
  CostTracker,
  LlmService,
  LoggingCallbacks,
  MetricsCallbacks,
  StreamingProgress,
  TokenCounter,
} from 'nestjs-llm-callbacks';
import { model } from './fake-model.js';

// #region provided
@Controller('usage')
export class UsageController {
  constructor(
    private readonly costs: CostTracker,
    private readonly metrics: MetricsCallbacks,
  ) {}

  @Get()
  soFar() {
    const { byModel, byTool } = this.metrics.summary();
    return { costs: this.costs.snapshot(), byModel, byTool };
  }
}

@Module({
  imports: [
    CallbacksModule.forRoot({ llm: model, callbacks: [new LoggingCallbacks({ pretty: true })] }),
  ],
  controllers: [UsageController],
  providers: [CostTracker, MetricsCallbacks],
})
export class AppModule {}
// #endregion

// #region call
export async function countOne(llm: LlmService) {
  const counter = new TokenCounter();
  const progress = new StreamingProgress({
    onChunk: (text) => process.stdout.write(text),
    onComplete: () => process.stdout.write('\nDone!\n'),
  });
  await llm.stream('Tell me a story.', { callbacks: [counter, progress] }).response;
  return `${counter.promptTokens} in, ${counter.completionTokens} out`;
}
// #endregion
