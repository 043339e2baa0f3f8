import {
  Inject,
  Injectable,
  Scope,
  type INestApplication,
  type ModuleMetadata,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  CallbacksModule,
  type CallbacksModuleOptions,
  type LlmProvider,
  type LlmProviderContext,
  type LlmRequest,
} from 'nestjs-llm-callbacks';
import { FakeLlm, type FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { willClose } from '../../support/app.js';
import { testLogger } from '../../support/logs.js';

export const adapters = {
  Express: () => new ExpressAdapter(),
  Fastify: () => new FastifyAdapter(),
};
export type Platform = keyof typeof adapters;
export const platforms = Object.keys(adapters) as Platform[];

export interface HttpRequest {
  headers: Record<string, string>;
}

/** A request-scoped service. */
@Injectable({ scope: Scope.REQUEST })
export class Visit {
  constructor(@Inject(REQUEST) readonly request: HttpRequest | undefined) {}

  get user(): string | undefined {
    return this.request?.headers['x-user'];
  }
}

/** A fake model that answers by its prompt, so that the order of requests does not matter. */
export class AnsweringLlm implements LlmProvider {
  readonly name = 'answering';

  constructor(private readonly answer: (request: LlmRequest) => FakeAnswer) {}

  generate(request: LlmRequest, context: LlmProviderContext) {
    return this.#once(request).generate(request, context);
  }

  stream(request: LlmRequest, context: LlmProviderContext) {
    return this.#once(request).stream(request, context);
  }

  #once(request: LlmRequest): FakeLlm {
    return new FakeLlm([this.answer(request)]);
  }
}

/** Calls its first tool, and then answers with the result. */
export const callsTool = new AnsweringLlm(({ messages, tools: [tool] = [] }) => {
  const last = messages.at(-1)!;
  if (tool === undefined) return 'one two three';
  if (last.role === 'tool') return last.content as string;
  return { toolCalls: [{ name: tool.name, args: { goal: 'go' } }] };
});

/** A listening application with a fake model. */
export async function serve(
  platform: Platform,
  metadata: ModuleMetadata,
  options: CallbacksModuleOptions = {},
): Promise<{
  app: INestApplication;
  url: string;
  ask: (path?: string, user?: string) => Promise<string>;
}> {
  const provider = new AnsweringLlm(() => 'one two three');
  const root = CallbacksModule.forRoot({ llm: { provider, model: 'fake' }, ...options });
  const module = await Test.createTestingModule({
    ...metadata,
    imports: [root, ...(metadata.imports ?? [])],
  })
    .setLogger(testLogger)
    .compile();
  const app = willClose(module.createNestApplication(adapters[platform]()));
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const ask = async (path = '', user = 'ada') => {
    const response = await fetch(`${url}/${path}`, { headers: { 'x-user': user } });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status}: ${text}`);
    return text;
  };
  return { app, url, ask };
}
