import { Injectable, Module } from '@nestjs/common';
import {
  CacheInterceptor,
  CallbackAbort,
  CallbacksModule,
  CircuitBreakerInterceptor,
  FallbackInterceptor,
  InterceptAgent,
  InterceptChain,
  InterceptLlm,
  InterceptRetrieval,
  InterceptTool,
  LlmStream,
  RetryInterceptor,
  TimeoutInterceptor,
  type AgentNext,
  type ChainNext,
  type InterceptedAgentCall,
  type InterceptedChainCall,
  type InterceptedLlmCall,
  type InterceptedRetrievalCall,
  type InterceptedToolCall,
  type LlmNext,
  type RetrievalNext,
  type ToolNext,
} from 'nestjs-llm-callbacks';
import { model } from './fake-model.js';

// #region first
@Injectable()
export class SmallTalk {
  // A changed copy of the request goes on; the call is emitted and counted once.
  @InterceptLlm({ when: ({ request }) => request.messages.length === 1 })
  cheaper({ request }: InterceptedLlmCall, next: LlmNext) {
    return next({ ...request, model: 'gpt-5-nano' });
  }
}
// #endregion

// #region answers
@Injectable()
export class Glossary {
  readonly #words = new Map([['LLM', 'A large language model.']]);

  // Answers without next: nothing is asked, and nothing costs. A streamed call gets it as chunks.
  @InterceptLlm()
  look({ event }: InterceptedLlmCall, next: LlmNext) {
    const text = this.#words.get(event.prompt);
    return text === undefined ? next() : { text };
  }
}
// #endregion

// #region both
@Injectable()
export class Shouting {
  @InterceptLlm()
  async shout(_call: InterceptedLlmCall, next: LlmNext) {
    const given = next(); // an LlmStream where the call is streamed, else a promise
    if (given instanceof LlmStream) return this.#shoutAloud(given);
    const response = await given;
    return { ...response, text: response.text.toUpperCase() };
  }

  async *#shoutAloud(stream: LlmStream) {
    for await (const chunk of stream) {
      yield chunk.type === 'text' ? { ...chunk, text: chunk.text.toUpperCase() } : chunk;
    }
  }
}
// #endregion

// #region spent
@Injectable()
export class Expenses {
  readonly spent: { user: string | undefined; cost: number | null }[] = [];

  // Next to the provider, so that each request is seen that is really made, however the call ends.
  @InterceptLlm({ order: Infinity })
  async note(call: InterceptedLlmCall, next: LlmNext) {
    const given = next();
    if (given instanceof LlmStream) return this.#readThrough(call, given);
    try {
      return await given;
    } finally {
      this.#write(call);
    }
  }

  async *#readThrough(call: InterceptedLlmCall, stream: LlmStream) {
    try {
      yield* stream;
      yield await stream.response;
    } finally {
      this.#write(call);
    }
  }

  #write({ event, spent }: InterceptedLlmCall) {
    this.spent.push({ user: event.userId, cost: spent.cost });
  }
}
// #endregion

// #region work
@Injectable()
export class OfficeHours {
  isOpen = true;

  @InterceptTool({ when: ({ request }) => request.toolName === 'refund' })
  async onlyByDay({ request }: InterceptedToolCall, next: ToolNext) {
    if (!this.isOpen) return `${request.toolName} is for office hours; the customer may call at 9.`;
    return next();
  }

  @InterceptAgent()
  politely({ request }: InterceptedAgentCall, next: AgentNext) {
    if (request.goal.length > 10_000) throw new CallbackAbort('Say it in fewer words.');
    return next({ ...request, goal: `${request.goal}\n\nBe polite.` });
  }
}
// #endregion

// #region methods
@Injectable()
export class PlainWords {
  @InterceptRetrieval({ when: ({ request }) => request.source === 'help-texts' })
  async shorter({ request }: InterceptedRetrievalCall, next: RetrievalNext) {
    const query = String(request.query).toLowerCase().replaceAll('please', '').trim();
    const texts = (await next({ ...request, query })) as string[];
    return texts.slice(0, 3);
  }

  @InterceptChain()
  bounded({ request }: InterceptedChainCall, next: ChainNext) {
    if (JSON.stringify(request.input).length > 10_000) throw new CallbackAbort('Too long.');
    return next();
  }
}
// #endregion

// #region ready-made
@Module({
  imports: [
    CallbacksModule.forRoot({
      llm: model,
      // From the outside in: an answer that is known is not asked for again; a client that fails gives way to another;
      // one that keeps failing is left alone for a while; each request has two more tries, of 20 seconds each.
      callbacks: [
        new CacheInterceptor({ ttlMs: 60 * 60_000, partition: ({ tenantId }) => tenantId }),
        new FallbackInterceptor({ clients: ['backup'] }),
        new CircuitBreakerInterceptor({ failures: 5 }),
        new RetryInterceptor({ maxRetries: 2 }),
        new TimeoutInterceptor({ timeoutMs: 20_000 }),
      ],
    }),
    CallbacksModule.forFeature({ name: 'backup', llm: model }),
  ],
})
export class ResilientModule {}
// #endregion
