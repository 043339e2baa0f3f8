import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { CallbacksService, LlmService, OnLlmStart } from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import { KeyServer } from '../support/key-server.js';
import { openai } from '../support/wire/openai.js';
import {
  budgets,
  Chat,
  ConversationAudit,
  InHouse,
  manyTenants,
  Notes,
  publicTexts,
  regions,
  renewedKey,
  withCaches,
} from './examples/tenants.js';
import { around, closeAll, listen, serve, start } from './start.js';

let server: KeyServer;

beforeEach(async () => {
  server = await KeyServer.listen(openai);
  const env = { OPENAI_BASE_URL: `${server.origin}/v1` };
  jest.replaceProperty(process, 'env', env);
});
afterEach(async () => {
  jest.restoreAllMocks();
  await closeAll();
  await server.close();
});

@Controller()
class Desk {
  constructor(private readonly llm: LlmService) {}
  @Get() async ask() {
    return (await this.llm.generate('hello')).text;
  }
}

describe('The examples of many tenants', () => {
  it('have a key and a model for each tenant', async () => {
    const tenants = ['acme', 'globex', 'nobody'];
    const url = await serve(manyTenants, [Desk], (request) =>
      Object.assign(request, { user: { id: 'ada', tenant: tenants.shift() } }),
    );
    expect(await (await fetch(url)).text()).toBe('sk-acme');
    expect(await (await fetch(url)).text()).toBe('sk-globex');
    expect((await fetch(url)).status).toBe(500);
    expect(server.requests.map(({ body }) => body['model'])).toEqual(['gpt-5', 'gpt-5-mini']);
  });

  it('can renew keys', async () => {
    const keys = ['old', 'new'];
    const llm = renewedKey({ current: async () => keys.shift()! });
    const app = await start({ imports: [around([], { llm })] });
    expect((await app.get(LlmService).generate('hello')).text).toBe('old');
    expect((await app.get(LlmService).generate('hello')).text).toBe('new');
  });

  it('can use separate servers', () => {
    const context = { metadata: { region: 'eu' } } as never;
    expect(regions.resolve!({ metadata: {} } as never, { model: 'gpt-5' })).toBeUndefined();
    expect(regions.resolve!(context, { model: 'gpt-5' })).toMatchObject({ model: 'gpt-5-mini' });
    expect(regions.resolve!(context, { model: 'gpt-5-mini' })).not.toHaveProperty('model');
  });

  it('pass the tenant to the application’s own provider', async () => {
    const sent: unknown[] = [];
    jest.spyOn(globalThis, 'fetch').mockImplementation(async (_url, init) => {
      sent.push(init?.headers);
      return new Response('done');
    });
    const llm = { provider: new InHouse(), model: 'in-house-1' };
    const app = await start({ imports: [around([], { llm })] });
    await app.get(LlmService).generate('hello', { tenantId: 'acme' });
    await app.get(LlmService).stream('hello', { tenantId: 'globex' }).response;
    expect(sent).toEqual([{ 'x-tenant': 'acme' }, { 'x-tenant': 'globex' }]);
  });

  it('pass the tenant to code in between', async () => {
    class Noting {
      constructor(private readonly notes: () => Notes) {}
      @OnLlmStart() start() {
        this.notes().add('asked');
      }
    }
    const found: { notes?: Notes } = {};
    const callbacks = [new Noting(() => found.notes!)];
    const app = await start({ imports: [around(['hi'], { callbacks })], providers: [Notes] });
    found.notes = app.get(Notes);
    const { llm, service } = { llm: app.get(LlmService), service: app.get(CallbacksService) };
    await llm.generate('hello', { tenantId: 'acme' });
    service.run({ tenantId: 'acme' }, () => found.notes!.add('by hand'));
    expect(() => found.notes!.add('by nobody')).toThrow('belongs to a tenant');
    expect(found.notes.of('acme')).toEqual([
      expect.stringMatching(/^asked \(run [\w-]{36}\)$/),
      'by hand (run none)',
    ]);
  });

  it('have separate budgets', async () => {
    const prices = { fake: { inputPerMillion: 0, outputPerMillion: 1_000_000 } };
    const llm = { provider: new FakeLlm(['a b', 'c d', 'e']), model: 'fake' };
    const app = await start({ imports: [around([], { llm, prices, callbacks: [budgets] })] });
    const ask = (tenantId: string) =>
      app.get(LlmService).generate('hello', {
        tenantId,
        userId: tenantId,
        tags: ['trial'],
        maxOutputTokens: 2,
      });
    await ask('acme');
    await expect(ask('acme')).rejects.toMatchObject({ name: 'BudgetExceededError' });
    await ask('globex');
  });

  it('have separate caches, or share one', async () => {
    const app = await start({ imports: [withCaches, publicTexts] });
    const llm = app.get(LlmService);
    const ask = async (tenantId: string, userId: string) =>
      (await llm.generate('hello', { tenantId, userId })).cached ?? false;
    expect([await ask('a', 'x'), await ask('a', 'y'), await ask('b', 'x')]).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('store conversations that can be looked up', async () => {
    @Controller()
    class ChatController {
      constructor(private readonly chat: Chat) {}
      @Get() async ask() {
        return (await this.chat.answer('c1', 'hello')).text;
      }
    }
    const found: { audit?: ConversationAudit } = {};
    const url = await listen(
      {
        imports: [around(['hi'])],
        controllers: [ChatController],
        providers: [Chat, ConversationAudit],
      },
      (app) => void (found.audit = app.get(ConversationAudit)),
    );
    await (await fetch(url)).text();
    expect(found.audit!.of('c1')).toMatchObject([
      { conversationId: 'c1', route: 'ChatController.ask', model: 'fake' },
    ]);
  });
});
