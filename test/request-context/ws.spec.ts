import { on } from 'node:events';
import { createRequire } from 'node:module';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Injectable,
  UseGuards,
  UseInterceptors,
  type CanActivate,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { from, map, mergeMap, of } from 'rxjs';
import {
  CallbacksModule,
  LlmService,
  RequestContextInterceptor,
  type CallbackEvent,
  type CallbacksModuleOptions,
} from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { ContextStore } from '../../src/runs/run-context.js';
import { always, closeApps, willClose } from '../support/app.js';
import { logs, testLogger } from '../support/logs.js';
import { leaveSockets, SOCKETS, type Sockets } from '../support/sockets.js';

afterEach(async () => {
  leaveSockets();
  await closeApps();
});

@Injectable()
class AskingGuard implements CanActivate {
  constructor(private readonly llm: LlmService) {}
  async canActivate() {
    await this.llm.generate('may they?');
    return true;
  }
}

@Injectable()
class Desk {
  constructor(
    private readonly llm: LlmService,
    private readonly ref: ModuleRef,
  ) {}

  @SubscribeMessage('ask') async ask(@MessageBody() prompt: string) {
    const { text } = await this.llm.generate(prompt);
    return { event: 'answer', data: text };
  }

  @SubscribeMessage('twice') twice(@MessageBody() prompt: string) {
    return from([`${prompt} 1`, `${prompt} 2`]).pipe(
      mergeMap((each) => this.llm.stream(each).response),
      map(({ text }) => ({ event: 'answer', data: text })),
    );
  }

  @SubscribeMessage('guarded') @UseGuards(AskingGuard) guarded() {
    return { event: 'answer', data: 'yes' };
  }

  @SubscribeMessage('request') request() {
    const { current } = this.ref.get(ContextStore, { strict: false });
    const { data, pattern, client } = current!.request as Record<string, unknown>;
    return of({ event: 'answer', data: { data, pattern, client: typeof client } });
  }
}

/** For Nest 12 and later, where global interceptors also apply to gateways. */
@WebSocketGateway()
class PlainDesk extends Desk {}

@WebSocketGateway()
@UseInterceptors(RequestContextInterceptor)
class DecoratedDesk extends Desk {}

const { version } = createRequire(import.meta.url)('@nestjs/core/package.json') as {
  version: string;
};
const GATEWAYS: [string, Type][] = [['that has the interceptor', DecoratedDesk]];
if (!version.startsWith('11.')) GATEWAYS.push(['that has nothing', PlainDesk]);
const CASES = SOCKETS.flatMap((sockets) =>
  GATEWAYS.map(([which, gateway]) => ({ name: sockets.name, which, sockets, gateway })),
);

async function listen(
  { sockets, gateway }: { sockets: Sockets; gateway: Type },
  options: CallbacksModuleOptions = {},
) {
  const recording = new RecordingCallbacks();
  const root = CallbacksModule.forRoot({
    llm: { provider: new FakeLlm(always('hello')), model: 'fake' },
    callbacks: [recording],
    ...options,
  });
  const module = await Test.createTestingModule({ imports: [root], providers: [gateway] })
    .setLogger(testLogger)
    .compile();
  const app = willClose(module.createNestApplication());
  app.useWebSocketAdapter(sockets.adapter(app));
  await app.listen(0, '127.0.0.1');
  return { url: await app.getUrl(), recording };
}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const HANDSHAKE = { 'x-request-id': 'handshake', traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };

/** The distinct values of one field of events. */
const distinct = <T>(events: readonly CallbackEvent[], field: (event: CallbackEvent) => T) => [
  ...new Set(events.map(field)),
];

describe.each(CASES)('A WebSocket message over $name to a gateway $which', (gateway) => {
  const { sockets } = gateway;

  it('gives its runs one id, one trace, and the user that `context` returns; `context` is called once', async () => {
    let asked = 0;
    const context = (host: ExecutionContext) => {
      asked++;
      const ws = host.switchToWs();
      return { userId: `${host.getType()}:${ws.getData<string>()}`, tags: ['desk'] };
    };
    const { url, recording } = await listen(gateway, { context });
    const client = await sockets.connect(url);
    const answers = on(client.received, 'answer');
    client.send('twice', 'ada');
    await answers.next();
    await answers.next();
    expect(asked).toBe(1);
    expect(recording.of('llm.end')).toHaveLength(2);
    expect(distinct(recording.events, ({ userId }) => userId)).toEqual(['ws:ada']);
    expect(distinct(recording.events, ({ tags }) => tags.join())).toEqual(['desk']);
    expect(distinct(recording.events, ({ requestId }) => requestId)).toHaveLength(1);
    expect(distinct(recording.events, ({ traceId }) => traceId)).toHaveLength(1);
  });

  it('has the gateway method as its route', async () => {
    const { url, recording } = await listen(gateway);
    const client = await sockets.connect(url);
    client.send('ask', 'hi');
    await client.next('answer');
    const route = `${gateway.gateway.name}.ask`;
    expect(distinct(recording.events, (event) => event.route)).toEqual([route]);
  });

  it('has its own context, with other ids than the connection', async () => {
    const { url, recording } = await listen(gateway);
    const client = await sockets.connect(url, HANDSHAKE);
    for (const prompt of ['one', 'two']) {
      client.send('ask', prompt);
      await client.next('answer');
    }
    const starts = recording.of('llm.start');
    expect(distinct(starts, ({ requestId }) => requestId)).toHaveLength(2);
    expect(distinct(starts, ({ traceId }) => traceId)).toHaveLength(2);
    expect(starts.map(({ requestId }) => requestId)).not.toContain('handshake');
    expect(starts.map(({ traceId }) => traceId)).not.toContain(TRACE);
  });

  it('is rejected with Nest’s error for messages when `context` fails, and the next message is accepted', async () => {
    let asked = 0;
    const context = () => {
      if (asked++ === 0) throw new Error('who?');
      return {};
    };
    const { url, recording } = await listen(gateway, { context });
    const client = await sockets.connect(url);
    client.send('ask', 'one');
    client.send('ask', 'two');
    expect(await client.next('answer')).toBe('hello');
    expect(recording.of('llm.start').map(({ prompt }) => prompt)).toEqual(['two']);
    expect(logs).toEqual([{ level: 'error', message: expect.stringContaining('who?') }]);
  });

  it('has only ids in guards, which run before `context`', async () => {
    const { url, recording } = await listen(gateway, { context: () => ({ userId: 'ada' }) });
    const client = await sockets.connect(url);
    client.send('guarded');
    await client.next('answer');
    expect(recording.of('llm.start')).toMatchObject([{ prompt: 'may they?', userId: undefined }]);
  });

  it('is passed to `context` as one object with client, data and pattern', async () => {
    const { url } = await listen(gateway);
    const client = await sockets.connect(url);
    client.send('request', 'ada');
    expect(await client.next('answer')).toEqual({
      data: 'ada',
      pattern: 'request',
      client: 'object',
    });
  });

  it('adds no listener of its own and gets no other context, as one of a thousand on its connection', async () => {
    const context = (host: ExecutionContext) => ({ userId: host.switchToWs().getData<string>() });
    const asked = new Map<string, string>();
    const handled = {
      onLlmStart: async ({ prompt, userId }: { prompt: string; userId?: string }) => {
        await new Promise(setImmediate);
        asked.set(prompt, userId ?? '');
      },
    };
    const { url } = await listen(gateway, {
      context,
      callbacks: [handled],
      llm: { provider: new FakeLlm(Array.from({ length: 1_000 }, () => 'hello')), model: 'fake' },
    });
    const client = await sockets.connect(url);
    const prompts = Array.from({ length: 1_000 }, (_, i) => `user ${i}`);
    const answers = on(client.received, 'answer');
    for (const prompt of prompts) client.send('ask', prompt);
    for (let left = prompts.length; left > 0; left--) await answers.next();
    expect([...asked]).toEqual(prompts.map((prompt) => [prompt, prompt]));
  });
});
