import Anthropic from '@anthropic-ai/sdk';
import { Module, type INestApplicationContext, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import OpenAI from 'openai';
import {
  CacheInterceptor,
  CallbacksModule,
  CircuitBreakerInterceptor,
  CostLimiter,
  CostTracker,
  FallbackInterceptor,
  RateLimiter,
  RetryInterceptor,
  TimeoutInterceptor,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { anthropic } from '../wire/anthropic.js';
import { openai } from '../wire/openai.js';
import { responses } from '../wire/responses.js';
import { HELD_UP } from './calls.js';
import { Desk, Handlers, Leftovers, ScopedHandlers, Tools } from './parts.js';
import { ChaosWire } from './wire.js';

/** Longer than any test: a shutdown that waits for it never ends. */
const DRAIN_MS = 2 ** 30;
const ORIGIN = 'http://memory.test';
/** Shorter than a provider may stall. */
const SILENCE_MS = 40;

export interface ChaosApp {
  readonly app: INestApplicationContext;
  readonly recording: RecordingCallbacks;
  readonly costs: CostTracker;
  readonly limiters: readonly (CostLimiter | RateLimiter)[];
}

/** The options of an application of the test. */
export interface ChaosOptions {
  readonly seed: number;
  /** Whether interceptors wrap the calls; without them, the SDKs retry. */
  readonly isIntercepted: boolean;
  readonly logger: LoggerService | false;
}

function interceptors(): object[] {
  return [
    new CacheInterceptor({ ttlMs: 1_000 }),
    new FallbackInterceptor({ clients: ['backup'] }),
    new RetryInterceptor({ maxRetries: 1, initialDelayMs: 1, maxDelayMs: 5 }),
    new CircuitBreakerInterceptor({ failures: 8, resetMs: 5 }),
    new TimeoutInterceptor({ timeoutMs: SILENCE_MS }),
  ];
}

/** One user has no budget, and another has to wait for requests. */
function newLimiters(): [CostLimiter, RateLimiter] {
  const costs = new CostLimiter({
    limits: [
      { maxCost: 1_000 },
      { maxCost: ({ userId }) => (userId === 'user-3' ? 0.001 : 100), per: 'user', window: 'day' },
    ],
    onMissingKey: 'global',
    assumedOutputTokens: 100,
  });
  const rates = new RateLimiter({
    limits: [
      { requestsPerMinute: 1_000_000, tokensPerMinute: 1_000_000_000 },
      { requestsPerMinute: ({ userId }) => (userId === HELD_UP ? 50 : 100_000), per: 'user' },
    ],
    onMissingKey: 'global',
    mode: 'wait',
    maxQueue: 5,
  });
  return [costs, rates];
}

/** A Nest application with in-memory providers that fail by seed. */
export async function startChaosApp({
  seed,
  isIntercepted,
  logger,
}: ChaosOptions): Promise<ChaosApp> {
  const recording = new RecordingCallbacks();
  const limiters = newLimiters();
  const options = { apiKey: 'test', maxRetries: 1, logLevel: 'off' as const };
  const openAi = (wire: typeof openai, offset: number) =>
    new OpenAI({
      ...options,
      baseURL: `${ORIGIN}/v1`,
      fetch: new ChaosWire(wire, seed + offset).fetch,
    });
  const claude = new Anthropic({
    ...options,
    baseURL: ORIGIN,
    fetch: new ChaosWire(anthropic, seed + 2).fetch,
  });

  class ChaosModule {}
  Module({
    imports: [
      CallbacksModule.forRoot({
        llm: { provider: 'openai', model: openai.model, client: openAi(openai, 1) },
        agent: { tools: [Tools], maxSteps: 4, toolConcurrency: 3 },
        callbacks: [recording, ...(isIntercepted ? interceptors() : []), ...limiters],
        background: { concurrency: 64, queueSize: 100, drainMs: DRAIN_MS },
      }),
      CallbacksModule.forFeature({
        name: 'backup',
        llm: { provider: 'anthropic', model: anthropic.model, client: claude },
      }),
      CallbacksModule.forFeature({
        name: 'thinker',
        llm: {
          provider: 'openai',
          api: 'responses',
          model: responses.model,
          client: openAi(responses, 3),
        },
      }),
    ],
    providers: [CostTracker, Leftovers, Desk, Tools, Handlers, ScopedHandlers],
  })(ChaosModule);
  const app = await NestFactory.createApplicationContext(ChaosModule, {
    logger,
    abortOnError: false,
  });
  return { app, recording, costs: app.get(CostTracker), limiters };
}
