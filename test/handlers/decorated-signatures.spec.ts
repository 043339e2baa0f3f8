import { afterEach, expect, it } from '@jest/globals';
import { Body, Controller, Get, Inject, Injectable, Post } from '@nestjs/common';
// Without `type`, as editors write it: compilers keep such an import for the metadata of decorated signatures, so this
// file neither compiles nor loads if one of the names is not a value.
import {
  AgentNext,
  AgentRequest,
  AgentResult,
  AgentStep,
  ApprovalDecision,
  BackgroundStatus,
  CacheStore,
  CallbackEvent,
  CALLBACKS_OPTIONS,
  CallbacksModuleOptions,
  CallbacksReport,
  Chain,
  CostSnapshot,
  CurrentContext,
  FeatureOptions,
  HandlerContext,
  InterceptAgent,
  InterceptedAgentCall,
  EmbeddingNext,
  EmbedOptions,
  EmbedRequest,
  EmbedResponse,
  InterceptEmbedding,
  InterceptedEmbeddingCall,
  InterceptedLlmCall,
  InterceptedModelCall,
  InterceptModel,
  ModelNext,
  InterceptedToolCall,
  InterceptLlm,
  InterceptTool,
  JobQueue,
  LimiterUsage,
  LimitStore,
  LlmCallOptions,
  LlmChunk,
  LlmEndEvent,
  LlmNext,
  LlmOptions,
  LlmProvider,
  LlmRequest,
  LlmResponse,
  Message,
  MessageInput,
  MetricsSummary,
  OnAnyEvent,
  OnLlmEnd,
  PendingRun,
  RequestContext,
  ResumeOptions,
  RunContext,
  Tool,
  ToolCall,
  ToolContext,
  ToolDefinition,
  ToolNext,
  ToolRequest,
  ToolResult,
  Usage,
  WorkContext,
} from 'nestjs-llm-callbacks';
import { closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

let seen: unknown[] = [];

@Injectable()
class Hooks {
  constructor(@Inject(CALLBACKS_OPTIONS) readonly options: CallbacksModuleOptions) {}

  @OnLlmEnd() paid(_event: LlmEndEvent, { signal }: HandlerContext) {
    seen.push(signal instanceof AbortSignal);
  }
  @OnAnyEvent() any(event: CallbackEvent) {
    seen.push(event instanceof CallbackEvent && event.type);
  }
  @InterceptLlm() llm(call: InterceptedLlmCall, next: LlmNext) {
    seen.push(call.kind);
    return next();
  }
  @InterceptEmbedding() embedding(_call: InterceptedEmbeddingCall, next: EmbeddingNext) {
    return next();
  }
  @InterceptModel() model(_call: InterceptedModelCall, next: ModelNext) {
    return next();
  }
  @InterceptTool() tool(_call: InterceptedToolCall, next: ToolNext) {
    return next();
  }
  @InterceptAgent() agent(_call: InterceptedAgentCall, next: AgentNext) {
    return next();
  }
  @Tool({ description: 'x' }) look(_args: { id: string }, { runId }: ToolContext) {
    return runId;
  }
  @Chain() work(
    _a: RunContext,
    _b: RequestContext,
    _c: WorkContext,
    _d: LlmRequest,
    _e: ToolRequest,
    _f: AgentRequest,
    _g: LlmCallOptions,
    _h: ToolDefinition,
    _i: CurrentContext,
    _j: ResumeOptions,
    _k: EmbedRequest,
    _l: EmbedResponse,
    _m: EmbedOptions,
  ) {}
}

@Controller()
class Routes {
  constructor(
    @Inject('a') readonly a: LlmProvider,
    @Inject('a') readonly b: LimitStore,
    @Inject('a') readonly c: JobQueue,
    @Inject('a') readonly d: CacheStore,
    @Inject('a') readonly e: FeatureOptions,
    @Inject('a') readonly f: LlmOptions,
  ) {}
  @Post('a') resume(
    @Body() _pending: PendingRun,
    @Body() _decision: ApprovalDecision,
  ): AgentResult {
    return {} as AgentResult;
  }
  @Post('b') chat(@Body() _input: MessageInput, @Body() _call: ToolCall): LlmResponse {
    return {} as LlmResponse;
  }
  @Get('c') usage(): Usage {
    return {} as Usage;
  }
  @Get('d') message(): Message {
    return {} as Message;
  }
  @Get('e') chunk(): LlmChunk {
    return {} as LlmChunk;
  }
  @Get('f') step(): AgentStep {
    return {} as AgentStep;
  }
  @Get('g') result(): ToolResult {
    return {} as ToolResult;
  }
  @Get('h') metrics(): MetricsSummary {
    return {} as MetricsSummary;
  }
  @Get('i') costs(): CostSnapshot {
    return {} as CostSnapshot;
  }
  @Get('j') limits(): LimiterUsage {
    return {} as LimiterUsage;
  }
  @Get('k') background(): BackgroundStatus {
    return {} as BackgroundStatus;
  }
  @Get('l') report(): CallbacksReport {
    return {} as CallbacksReport;
  }
}

it('Types used in decorated signatures can be imported as values', async () => {
  seen = [];
  const { llm, module } = await startApp({
    providers: [Hooks, { provide: 'a', useValue: {} }],
    controllers: [Routes],
  });
  await llm.generate('hi');
  expect(seen).toEqual(['llm.start', 'llm', true, 'llm.end']);
  expect(module.get(Hooks).options.llm).toMatchObject({ model: 'fake' });
  // Pipes see the same as for an interface: a plain object.
  const types = Reflect.getMetadata('design:paramtypes', Routes.prototype, 'resume') as unknown[];
  expect(types).toEqual([Object, Object]);
});
