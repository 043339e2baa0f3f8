import { EventEmitter, on } from 'node:events';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type INestMicroservice,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import {
  ClientProxyFactory,
  EventPattern,
  KafkaContext,
  MessagePattern,
  MqttContext,
  NatsContext,
  Payload,
  RedisContext,
  RmqContext,
  TcpContext,
  Transport as Transports,
  type ClientProxy,
} from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { firstValueFrom, lastValueFrom, map, mergeMap, of, toArray } from 'rxjs';
import { CallbacksModule, LlmService, type CallbacksModuleOptions } from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { ContextStore } from '../../src/runs/run-context.js';
import { always, closeApps, willClose } from '../support/app.js';
import { logs, testLogger } from '../support/logs.js';
import { Transport } from '../support/transport.js';

const clients: ClientProxy[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
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
class RefusingGuard extends AskingGuard {
  override async canActivate() {
    await super.canActivate();
    return false;
  }
}

@Controller()
class Desk {
  constructor(
    private readonly llm: LlmService,
    private readonly ref: ModuleRef,
  ) {}

  @Get('ask') web() {
    return this.ask('by HTTP');
  }

  @MessagePattern('ask') async ask(@Payload() prompt: string) {
    const { text } = await this.llm.generate(prompt);
    return text;
  }

  @MessagePattern('twice') twice(@Payload() prompt: string) {
    return of(`${prompt} 1`, `${prompt} 2`).pipe(
      mergeMap((each) => this.llm.stream(each).response),
      map(({ text }) => text),
    );
  }

  @EventPattern('note') async note(@Payload() prompt: string) {
    await this.llm.generate(prompt);
  }

  @EventPattern('note') async noteAgain(@Payload() prompt: string) {
    await this.llm.generate(`${prompt} again`);
  }

  @MessagePattern('guarded') @UseGuards(AskingGuard) guarded() {
    return 'yes';
  }

  @MessagePattern('refused') @UseGuards(RefusingGuard) refused() {
    return 'never';
  }

  @MessagePattern('request') request() {
    const { current } = this.ref.get(ContextStore, { strict: false });
    const { data, pattern, context } = (current?.request ?? {}) as Record<string, unknown>;
    return { data, pattern, context: context?.constructor.name };
  }
}

async function compile(options: CallbacksModuleOptions) {
  const recording = new RecordingCallbacks();
  const root = CallbacksModule.forRoot({
    llm: { provider: new FakeLlm(always('hello')), model: 'fake' },
    ...options,
    callbacks: [recording, ...(options.callbacks ?? [])],
  });
  const module = await Test.createTestingModule({ imports: [root], controllers: [Desk] })
    .setLogger(testLogger)
    .compile();
  return { module, recording };
}

const TCP = { transport: Transports.TCP, options: { host: '127.0.0.1', port: 0 } } as const;

function connect(server: Pick<INestMicroservice, 'unwrap'>): ClientProxy {
  const { port } = server.unwrap<NetServer>().address() as AddressInfo;
  const options = { host: '127.0.0.1', port };
  const client = ClientProxyFactory.create({ transport: Transports.TCP, options });
  clients.push(client);
  return client;
}

async function overTcp(options: CallbacksModuleOptions = {}) {
  const { module, recording } = await compile(options);
  const app = willClose(module.createNestMicroservice(TCP));
  await app.listen();
  return { client: connect(app), recording };
}

async function overTransport(options: CallbacksModuleOptions = {}) {
  const { module, recording } = await compile(options);
  const strategy = new Transport();
  const app = willClose(module.createNestMicroservice({ strategy }));
  await app.listen();
  return { strategy, recording };
}

const byPayload = (host: ExecutionContext) => ({
  userId: `${host.getType()}:${host.switchToRpc().getData<string>()}`,
});

describe('A microservice message', () => {
  it('gives its runs one id, one trace, and the user that `context` returns; `context` is called once', async () => {
    let asked = 0;
    const context = async (host: ExecutionContext) => {
      asked++;
      return Promise.resolve(byPayload(host));
    };
    const { client, recording } = await overTcp({ context });
    const texts = await lastValueFrom(client.send('twice', 'ada').pipe(toArray()));
    expect(texts).toEqual(['hello', 'hello']);
    expect(asked).toBe(1);
    expect(new Set(recording.events.map(({ userId }) => userId))).toEqual(new Set(['rpc:ada']));
    expect(new Set(recording.events.map(({ requestId }) => requestId)).size).toBe(1);
    expect(new Set(recording.events.map(({ traceId }) => traceId)).size).toBe(1);
  });

  it('has its own context, even with many concurrent messages on one connection', async () => {
    const { client, recording } = await overTcp({ context: byPayload });
    const users = Array.from({ length: 50 }, (_, i) => `user ${i}`);
    await Promise.all(users.map((user) => firstValueFrom(client.send('ask', user))));
    const starts = recording.of('llm.start');
    expect(starts.map(({ userId }) => userId)).toEqual(starts.map(({ prompt }) => `rpc:${prompt}`));
    expect(new Set(starts.map(({ requestId }) => requestId)).size).toBe(50);
  });

  it('has a context if it expects no answer', async () => {
    let received!: (userId: unknown) => void;
    const ended = new Promise<unknown>((resolve) => (received = resolve));
    const callbacks = [{ onLlmEnd: ({ userId }: { userId?: string }) => received(userId) }];
    const { client } = await overTcp({ context: byPayload, callbacks });
    await lastValueFrom(client.emit('note', 'ada'), { defaultValue: undefined });
    expect(await ended).toBe('rpc:ada');
  });

  it('is rejected with Nest’s error for messages when `context` fails', async () => {
    const context = () => {
      throw new Error('who?');
    };
    const { client, recording } = await overTcp({ context });
    await expect(firstValueFrom(client.send('ask', 'hi'))).rejects.toEqual({
      status: 'error',
      message: 'Internal server error',
    });
    expect(recording.events).toEqual([]);
    expect(logs).toMatchObject([{ level: 'error', message: 'Error: who?' }]);
  });

  it('is passed to `context` as one object with pattern, data and RPC context', async () => {
    const { client } = await overTcp();
    expect(await firstValueFrom(client.send('request', 'ada'))).toEqual({
      data: 'ada',
      pattern: 'request',
      context: 'TcpContext',
    });
  });

  const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
  const HEADERS = { 'x-request-id': 'req:1', traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };
  const bytes = Object.entries(HEADERS).map(([name, value]) => [name, Buffer.from(value)]);
  const got = { get: (name: keyof typeof HEADERS) => HEADERS[name] };
  const listed = { get: (name: keyof typeof HEADERS) => [HEADERS[name]] };

  it.each<[string, object]>([
    ['NATS', new NatsContext(['ask', got] as never)],
    ['Kafka', new KafkaContext([{ headers: Object.fromEntries(bytes) }] as never)],
    ['RabbitMQ', new RmqContext([{ properties: { headers: HEADERS } }, {}, 'ask'] as never)],
    ['MQTT', new MqttContext(['ask', { properties: { userProperties: HEADERS } }] as never)],
    ['Redis', Object.assign(new RedisContext(['ask']), { getMetadata: () => HEADERS })],
    ['TCP', Object.assign(new TcpContext([{}, 'ask'] as never), { getMetadata: () => HEADERS })],
    ['gRPC', listed],
  ])('takes its ids from the headers that %s carries', async (_transport, context) => {
    const { strategy, recording } = await overTransport();
    await lastValueFrom(await strategy.ask('ask', 'hi', context));
    expect(recording.events).toMatchObject([
      { requestId: 'req:1', traceId: TRACE },
      { requestId: 'req:1', traceId: TRACE },
    ]);
  });

  it.each<[string, object]>([
    ['NATS', new NatsContext(['ask', undefined] as never)],
    ['Kafka', new KafkaContext([{}] as never)],
    ['RabbitMQ', new RmqContext([{ properties: { headers: undefined } }, {}, 'ask'] as never)],
    ['MQTT', new MqttContext(['ask', {}] as never)],
    ['Redis', new RedisContext(['ask'])],
    ['no known transport', { getMessage: () => undefined }],
  ])('has new ids where %s carries no headers', async (_transport, context) => {
    const { strategy, recording } = await overTransport();
    await lastValueFrom(await strategy.ask('ask', 'hi', context));
    expect(recording.events[0]?.requestId).toMatch(/^[\da-f]{8}-/);
    expect(recording.events[0]?.traceId).toMatch(/^[\da-f]{32}$/);
  });
});

describe('A hybrid application', () => {
  async function hybrid(
    options: { inheritAppConfig?: boolean; deferInitialization?: boolean },
    callbacks: object[] = [],
  ) {
    const context = (host: ExecutionContext) => ({ userId: host.getType() });
    const { module, recording } = await compile({ context, callbacks });
    const app = willClose(module.createNestApplication());
    const microservice = app.connectMicroservice(TCP, options);
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    return { url: await app.getUrl(), client: connect(microservice), recording };
  }

  it('that inherits its config gives requests and messages their context', async () => {
    const { url, client, recording } = await hybrid({ inheritAppConfig: true });
    await fetch(`${url}/ask`);
    for (const pattern of ['ask', 'guarded', 'twice'])
      await lastValueFrom(client.send(pattern, 'by TCP'));
    const starts = recording.of('llm.start').map(({ prompt, userId }) => [prompt, userId]);
    expect(starts).toEqual([
      ['by HTTP', 'http'],
      ['by TCP', 'rpc'],
      ['may they?', undefined],
      ['by TCP 1', 'rpc'],
      ['by TCP 2', 'rpc'],
    ]);
    expect(logs).toEqual([]);
  });

  it('that does not inherit its config logs one warning, after a message has started a run', async () => {
    const { url, client } = await hybrid({});
    await fetch(`${url}/ask`);
    await firstValueFrom(client.send('request', 'no run'));
    expect(logs).toEqual([]);
    for (let i = 0; i < 2; i++) await firstValueFrom(client.send('ask', 'by TCP'));
    expect(logs).toEqual([
      { level: 'warn', message: expect.stringMatching(/"ask".*inheritAppConfig: true/) },
    ]);
  });

  it.each([
    ['answers in pieces', 'twice', {}],
    ['is started late', 'ask', { deferInitialization: true }],
  ])('logs the warning, too, if its microservice %s', async (_what, pattern, options) => {
    const { client } = await hybrid(options);
    await lastValueFrom(client.send(pattern, 'by TCP'));
    expect(logs).toMatchObject([{ level: 'warn' }]);
  });

  it('calls all handlers of an event while the config check is active', async () => {
    const received = new EventEmitter();
    const ends = on(received, 'end');
    const emitting = { onLlmEnd: () => void received.emit('end') };
    const { client, recording } = await hybrid({}, [emitting]);
    await lastValueFrom(client.emit('note', 'ada'), { defaultValue: undefined });
    await ends.next();
    await ends.next();
    expect(recording.of('llm.start').map(({ prompt }) => prompt)).toEqual(['ada', 'ada again']);
  });

  it('logs no warning when a guard that calls an LLM rejects its first message', async () => {
    const { client } = await hybrid({ inheritAppConfig: true });
    await expect(firstValueFrom(client.send('refused', 'by TCP'))).rejects.toBeDefined();
    expect(logs).toEqual([]);
  });
});
