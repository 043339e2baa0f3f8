import {
  AgentEndEvent,
  AgentErrorEvent,
  AgentStartEvent,
  AgentStepEvent,
  CallbackEndEvent,
  CallbackErrorEvent,
  ChainEndEvent,
  ChainErrorEvent,
  ChainStartEvent,
  CustomCallbackEvent,
  LlmCacheEvent,
  EmbeddingEndEvent,
  EmbeddingErrorEvent,
  EmbeddingStartEvent,
  LimiterWaitEvent,
  LlmEndEvent,
  LlmErrorEvent,
  LlmRateLimitError,
  LlmRetryEvent,
  LlmStartEvent,
  LlmStreamChunkEvent,
  McpConnectEvent,
  McpDisconnectEvent,
  McpLogEvent,
  McpProgressEvent,
  NO_USAGE,
  RetrievalEndEvent,
  RetrievalErrorEvent,
  RetrievalStartEvent,
  ToolEndEvent,
  ToolErrorEvent,
  ToolStartEvent,
  type AgentStep,
  type EventOf,
  type EventType,
} from 'nestjs-llm-callbacks';
import { fakeLlmResponse } from 'nestjs-llm-callbacks/testing';
import type { RunInfo } from '../../src/events/event.js';

let seq = 0;

/** The run of every sample. */
export const SAMPLE_RUN: RunInfo = {
  runId: 'run-1',
  spanId: '00f067aa0ba902b7',
  parentRunId: 'run-0',
  rootRunId: 'run-0',
  context: {
    requestId: 'request-1',
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    userId: 'ada',
    tenantId: 'acme',
    conversationId: 'conversation-1',
    route: 'Desk.ask',
    tags: ['nightly'],
    metadata: { plan: 'gold' },
    signal: new AbortController().signal,
  },
  scope: 'support',
  scopes: ['support'],
  fromCallback: { runId: 'run-x', handler: 'Audit.paid' },
  origin: 'openai',
  provider: 'fake',
  model: 'fake',
  detached: true,
  redactor: { redact: (value) => value },
  nextSeq: () => seq++,
};

const run = SAMPLE_RUN;
const usage = { ...NO_USAGE, inputTokens: 3, totalTokens: 3 };
const error = new LlmRateLimitError('slow down', { status: 429, retryAfterMs: 5 });
const attempts = [
  { provider: 'fake', model: 'fake', error, durationMs: 1 },
  { provider: 'fake', model: 'fake', usage, cost: 0.5, durationMs: 2 },
];
const failed = { error, usage, cost: null, aborted: false, durationMs: 1.5, attempts };
const step: AgentStep = {
  index: 0,
  action: 'tool_calls',
  text: '',
  toolCalls: [{ id: 'c1', name: 'find', args: { id: 7 }, argsText: '{"id":7}' }],
  toolResults: [{ toolCallId: 'c1', toolName: 'find', error: { message: 'gone', code: 'x' } }],
  usage,
  cost: 0.5,
};
const steps = [step];
const call = { toolName: 'find', toolCallId: 'c1', args: { id: 7n } };
const image = { type: 'image' as const, data: new Uint8Array(3), mediaType: 'image/png' };

/** An event of every class, with all of its fields; a new event without a sample does not compile. */
export const SAMPLE_EVENTS: { readonly [T in EventType]: EventOf<T> } = {
  'llm.start': new LlmStartEvent(run, {
    request: {
      model: 'fake',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'see' }, image] }],
      temperature: 0,
    },
    streaming: true,
    estimate: () => ({ inputTokens: 3, maxCost: null }),
  }),
  'llm.chunk': new LlmStreamChunkEvent(run, { type: 'text', text: 'Hel' }, 0),
  'llm.retry': new LlmRetryEvent(run, { attempt: 1, error, delayMs: 20 }),
  'llm.cache': new LlmCacheEvent(run, {
    key: 'a'.repeat(64),
    ageMs: 9,
    savedCost: 0.5,
    savedUsage: usage,
  }),
  'llm.end': new LlmEndEvent(
    run,
    {
      ...fakeLlmResponse({ text: 'Hello' }),
      attempts,
      raw: {},
      timeToFirstChunkMs: 3,
      chunkGapsMs: { count: 2, avg: 1.5, max: 2 },
      tokensPerSecond: 40.5,
      limiterWaitMs: 12,
    },
    undefined,
    () => 0.25,
  ),
  'llm.error': new LlmErrorEvent(run, {
    ...failed,
    text: 'Hel',
    timeToFirstChunkMs: 3,
    chunkGapsMs: { count: 2, avg: 1.5, max: 2 },
    limiterWaitMs: 12,
  }),
  'embedding.start': new EmbeddingStartEvent(run, {
    input: ['printer', 'scanner'],
    dimensions: 2,
    estimate: () => ({ inputTokens: 14, maxCost: 0.5 }),
  }),
  'embedding.end': new EmbeddingEndEvent(run, {
    embeddings: [
      [0.25, -0.5],
      [1, 0],
    ],
    model: 'fake',
    provider: 'fake',
    dimensions: 2,
    usage,
    cost: 0.5,
    durationMs: 3,
    limiterWaitMs: 12,
    attempts,
  }),
  'embedding.error': new EmbeddingErrorEvent(run, { ...failed, limiterWaitMs: 12 }),
  'agent.start': new AgentStartEvent(run, { agentName: 'desk', goal: 'help', tools: [] }),
  'agent.step': new AgentStepEvent(run, { agentName: 'desk', step }),
  'agent.end': new AgentEndEvent(run, {
    agentName: 'desk',
    result: {
      output: 'done',
      finishReason: 'stop',
      steps,
      messages: [],
      usage,
      cost: 0.5,
      runId: 'run-1',
    },
    steps,
    usage,
    cost: 0.5,
    durationMs: 9,
  }),
  'agent.error': new AgentErrorEvent(run, { ...failed, agentName: undefined, steps }),
  'tool.start': new ToolStartEvent(run, call),
  'tool.end': new ToolEndEvent(run, { ...call, result: new Map([['a', 1]]), durationMs: 1 }),
  'tool.error': new ToolErrorEvent(run, { ...call, ...failed }),
  'chain.start': new ChainStartEvent(run, { chainName: 'answer', input: { error: { name: 'x' } } }),
  'chain.end': new ChainEndEvent(run, { chainName: 'answer', result: error, durationMs: 1 }),
  'chain.error': new ChainErrorEvent(run, { ...failed, chainName: 'answer' }),
  'retrieval.start': new RetrievalStartEvent(run, { query: 'printer', source: 'help' }),
  'retrieval.end': new RetrievalEndEvent(run, {
    query: 'printer',
    documents: [new Date(0)],
    durationMs: 1,
  }),
  'retrieval.error': new RetrievalErrorEvent(run, { ...failed, query: 'printer' }),
  'mcp.connect': new McpConnectEvent(run, {
    serverName: 's',
    transport: 'stdio',
    counts: { tools: 2 },
  }),
  'mcp.disconnect': new McpDisconnectEvent(run, { serverName: 's', transport: 'stdio' }),
  'mcp.progress': new McpProgressEvent(run, { serverName: 's', progress: 1, total: 2 }),
  'mcp.log': new McpLogEvent(run, { serverName: 's', level: 'info', data: ['x'] }),
  'limiter.wait': new LimiterWaitEvent(run, { limiter: 'RateLimiter', waitedMs: 12.5 }),
  'callback.end': new CallbackEndEvent(run, {
    handler: 'Audit.paid',
    eventType: 'llm.end',
    durationMs: 0.5,
    failed: false,
  }),
  'callback.error': new CallbackErrorEvent(run, {
    handler: 'Audit.paid',
    event: new LlmErrorEvent(run, { ...failed, text: '' }),
    error: new TypeError('no'),
  }),
  custom: new CustomCallbackEvent(run, {
    name: 'ticket.opened',
    data: { id: 7n, error: { name: 'x' } },
  }),
};
