import { Injectable, Module, type ExecutionContext } from '@nestjs/common';
import {
  CacheInterceptor,
  CallbacksModule,
  CallbacksService,
  CostLimiter,
  LlmService,
  OnLlmEnd,
  UNREPORTED_USAGE,
  type LlmEndEvent,
  type LlmOptions,
  type LlmProvider,
  type LlmProviderContext,
  type LlmRequest,
  type ProviderResult,
} from 'nestjs-llm-callbacks';
import { model } from './fake-model.js';

// #region vault
/** Where the application keeps what it knows of its tenants: a table, a secret manager … */
@Injectable()
export class Tenants {
  readonly #plans = new Map([
    ['acme', { apiKey: 'sk-acme', model: 'gpt-5' }],
    ['globex', { apiKey: 'sk-globex', model: 'gpt-5-mini' }],
  ]);

  async planOf(tenantId: string | undefined) {
    const plan = this.#plans.get(tenantId ?? '');
    if (plan === undefined) throw new Error('This tenant has no plan.');
    return plan;
  }
}

@Module({ providers: [Tenants], exports: [Tenants] })
export class TenantsModule {}
// #endregion

// #region resolve
interface SignedInRequest {
  user?: { id: string; tenant: string };
}

export const manyTenants = CallbacksModule.forRootAsync({
  imports: [TenantsModule],
  inject: [Tenants],
  useFactory: (tenants: Tenants) => ({
    llm: {
      provider: 'openai',
      model: 'gpt-5-mini',
      resolve: async ({ tenantId }) => tenants.planOf(tenantId), // { apiKey, model }
    },
    context: (host: ExecutionContext) => {
      const { user } = host.switchToHttp().getRequest<SignedInRequest>();
      return { userId: user?.id, tenantId: user?.tenant };
    },
  }),
});
// #endregion

// #region renewed
/** A key that a service renews. */
export const renewedKey = (tokens: { current(): Promise<string> }): LlmOptions => ({
  provider: 'openai',
  model: 'gpt-5-mini',
  apiKey: () => tokens.current(),
});
// #endregion

// #region regions
const EUROPE = {
  baseURL: 'https://eu.api.openai.com/v1',
  apiKey: process.env.OPENAI_EU_KEY ?? 'missing',
};

export const regions: LlmOptions = {
  provider: 'openai',
  model: 'gpt-5-mini',
  resolve: ({ metadata }, call) => {
    if (metadata['region'] !== 'eu') return undefined; // the client as it is
    return call.model === 'gpt-5' ? { ...EUROPE, model: 'gpt-5-mini' } : EUROPE;
  },
};
// #endregion

// #region provider
/** Asks a service of the company's own, which bills by tenant. */
export class InHouse implements LlmProvider {
  readonly name = 'in-house';

  async generate(
    request: LlmRequest,
    { context, signal }: LlmProviderContext,
  ): Promise<ProviderResult> {
    const response = await fetch('http://llm.internal/answer', {
      method: 'POST',
      headers: { 'x-tenant': context.tenantId ?? 'none' },
      body: JSON.stringify(request),
      signal,
    });
    const text = await response.text();
    const message = { role: 'assistant' as const, content: text };
    const rest = { toolCalls: [], finishReason: 'stop' as const, usage: UNREPORTED_USAGE };
    return { id: '1', model: request.model, text, message, ...rest };
  }

  async *stream(request: LlmRequest, context: LlmProviderContext) {
    const result = await this.generate(request, context);
    yield { type: 'text' as const, text: result.text };
    yield result;
  }
}
// #endregion

// #region current
@Injectable()
export class Notes {
  readonly #notes = new Map<string, string[]>();

  constructor(private readonly callbacks: CallbacksService) {}

  /** May be called by a tool, a handler or a controller: none of them passes the tenant on. */
  add(note: string) {
    const { tenantId, runId } = this.callbacks.current ?? {};
    if (tenantId === undefined) throw new Error('A note belongs to a tenant.');
    this.of(tenantId).push(`${note} (run ${runId ?? 'none'})`);
  }

  of(tenantId: string): string[] {
    const notes = this.#notes.get(tenantId) ?? [];
    this.#notes.set(tenantId, notes);
    return notes;
  }
}
// #endregion

// #region limits
export const budgets = new CostLimiter({
  name: 'tenant budgets',
  limits: [
    { per: 'tenant', window: 'month', maxCost: ({ tags }) => (tags.includes('trial') ? 5 : 500) },
    // Users of two tenants may have the same id.
    { per: ({ tenantId, userId }) => `${tenantId}/${userId}`, window: 'day', maxCost: 2 },
  ],
});
// #endregion

// #region cache
export const withCaches = CallbacksModule.forRoot({
  llm: model,
  callbacks: [
    // By default: an answer is for the tenant and the user who got it.
    new CacheInterceptor({ ttlMs: 60_000, partition: ({ tenantId }) => tenantId }), // for all users of a tenant
  ],
});

/** Public texts, the same for everyone. */
export const publicTexts = CallbacksModule.forFeature({
  name: 'public',
  llm: model,
  callbacks: [new CacheInterceptor({ ttlMs: 60 * 60_000, shared: true })],
});
// #endregion

// #region conversation
@Injectable()
export class Chat {
  constructor(private readonly llm: LlmService) {}

  answer(conversationId: string, question: string) {
    return this.llm.generate(question, { conversationId });
  }
}

/** What was asked in each conversation, by which route, and what it cost. */
@Injectable()
export class ConversationAudit {
  readonly rows: Record<string, unknown>[] = [];

  @OnLlmEnd() note(event: LlmEndEvent) {
    const { tenantId, userId, conversationId, route, cost } = event;
    this.rows.push({ tenantId, userId, conversationId, route, model: event.model, cost });
  }

  of(conversationId: string) {
    return this.rows.filter((row) => row['conversationId'] === conversationId);
  }
}
// #endregion
