import { describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Injectable, Sse } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { map } from 'rxjs';
import {
  AgentService,
  CallbacksModule,
  CallbacksService,
  LlmService,
  OnLlmEnd,
  type LlmEndEvent,
  type LlmOptions,
} from 'nestjs-llm-callbacks';
import { ClientCache } from '../../src/llm/client.js';
import { willClose } from '../support/app.js';
import { useKeyBench } from '../support/keyed-app.js';
import { testLogger } from '../support/logs.js';
import { WIRES } from '../support/wire/index.js';

const TENANTS = ['acme', 'globex', 'initech'];
const ROUNDS = 200;
const MAX_CLIENTS = 2;
const PATHS = ['generate', 'stream', 'agent', 'agent-stream'];

/** Waits as long as lookups in a vault or a database may take: a varying number of event loop turns. */
async function lookup(key: string): Promise<string> {
  for (let turns = key.length % 3; turns >= 0; turns--) await new Promise(setImmediate);
  return `key of ${key}`;
}

@Injectable()
class Audit {
  readonly crossed: string[] = [];
  ends = 0;
  constructor(private readonly callbacks: CallbacksService) {}
  @OnLlmEnd() async end({ tenantId, text }: LlmEndEvent) {
    await new Promise(setImmediate);
    this.ends++;
    const current = this.callbacks.current?.tenantId;
    if (text !== `key of ${tenantId}` || current !== tenantId)
      this.crossed.push(`${tenantId}, ${current}: ${text}`);
  }
}

@Controller()
class Desk {
  constructor(
    private readonly llm: LlmService,
    private readonly agents: AgentService,
  ) {}
  @Get('generate') async generate() {
    return (await this.llm.generate('Hi')).text;
  }
  @Sse('stream') stream() {
    return this.llm
      .stream('Hi')
      .toObservable()
      .pipe(map((chunk) => ({ data: chunk })));
  }
  @Get('agent') async agent() {
    return (await this.agents.run('Hi')).output;
  }
  @Sse('agent-stream') agentStream() {
    const stream = this.agents.stream('Hi');
    return stream.toObservable().pipe(map(({ type, tenantId }) => ({ data: { type, tenantId } })));
  }
}

const AT_REQUEST: [string, Partial<LlmOptions>][] = [
  ['llm.resolve', { resolve: async ({ tenantId }) => ({ apiKey: await lookup(tenantId!) }) }],
  ['a function as llm.apiKey', { apiKey: ({ tenantId }) => lookup(tenantId!) }],
];

describe.each(WIRES)('Three tenants with three keys at $name', (wire) => {
  const bench = useKeyBench(wire);

  it.each(AT_REQUEST)('are never mixed, by %s', async (_name, options) => {
    const root = CallbacksModule.forRoot({
      llm: { ...bench.llm, ...options, maxClients: MAX_CLIENTS },
      context: (host) => {
        const { headers } = host
          .switchToHttp()
          .getRequest<{ headers: Record<string, string | undefined> }>();
        return { tenantId: headers['x-tenant'] };
      },
    });
    const module = await Test.createTestingModule({
      imports: [root],
      controllers: [Desk],
      providers: [Audit],
    })
      .setLogger(testLogger)
      .compile();
    const app = willClose(module.createNestApplication());
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    const clients = jest.spyOn(ClientCache.prototype, 'get');
    for (let round = 0; round < ROUNDS; round++) {
      // Each tenant in a different way, all concurrently.
      const answers = TENANTS.map(async (tenant, i) => {
        const path = PATHS[(round + i) % PATHS.length]!;
        const response = await fetch(`${url}/${path}`, { headers: { 'x-tenant': tenant } });
        const text = await response.text();
        return TENANTS.filter((name) => text.includes(name));
      });
      expect(await Promise.all(answers)).toEqual(TENANTS.map((tenant) => [tenant]));
      const sizes = clients.mock.contexts.map((cache) => (cache as ClientCache).size);
      expect(Math.max(...sizes)).toBe(MAX_CLIENTS);
      clients.mockClear();
    }
    clients.mockRestore();
    const { crossed, ends } = app.get(Audit);
    expect(crossed).toEqual([]);
    expect(ends).toBe(ROUNDS * TENANTS.length);
    expect(new Set(bench.server.keys)).toEqual(new Set(TENANTS.map((name) => `key of ${name}`)));
  });
});
