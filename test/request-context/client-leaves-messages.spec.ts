import { EventEmitter, getEventListeners, once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  UseGuards,
  UseInterceptors,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type LoggerService,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { map } from 'rxjs';
import {
  AgentService,
  CallbacksModule,
  LlmService,
  RequestContextInterceptor,
  type CallbackEvent,
  type LlmOptions,
} from 'nestjs-llm-callbacks';
import { ContextStore } from '../../src/runs/run-context.js';
import { closeApps, willClose } from '../support/app.js';
import { testLogger } from '../support/logs.js';
import { leaveSockets, SOCKETS, type Sockets } from '../support/sockets.js';
import { Transport } from '../support/transport.js';
import { macrotask } from '../support/chains.js';
import { json, silence, stalled, WIRES, WireServer, type Serve } from '../support/wire/index.js';

const [openai] = WIRES;
const wire = openai!;

/** Emits what the application does, as it happens. */
let arrived = new EventEmitter();
let received = new EventEmitter();
let provider: WireServer | undefined;
afterEach(async () => {
  leaveSockets();
  await closeApps();
  await provider?.close();
  arrived = new EventEmitter();
  received = new EventEmitter();
});

const emitting = { onAnyEvent: (event: CallbackEvent) => void received.emit(event.type, event) };
const ended = async (type: string) => ((await once(received, type)) as [CallbackEvent])[0];

class UntilItLeft implements CanActivate {
  async canActivate(host: ExecutionContext) {
    const client = host.switchToWs().getClient<EventEmitter>();
    arrived.emit('message');
    await Promise.race([once(client, 'close'), once(client, 'disconnect')]);
    setImmediate(() => arrived.emit('passed'));
    return true;
  }
}

@Controller()
@WebSocketGateway()
@UseInterceptors(RequestContextInterceptor)
class Desk {
  constructor(
    private readonly llm: LlmService,
    private readonly agent: AgentService,
    private readonly ref: ModuleRef,
  ) {}

  @MessagePattern('generate')
  @SubscribeMessage('generate')
  async generate() {
    const { signal } = this.ref.get(ContextStore, { strict: false }).current!.context;
    arrived.emit('signal', signal);
    return { event: 'answer', data: (await this.llm.generate('Hi')).text };
  }

  @SubscribeMessage('agent') async work() {
    return { event: 'answer', data: (await this.agent.run('Hi')).output };
  }

  @SubscribeMessage('stream') async stream() {
    return { event: 'answer', data: (await this.llm.stream('Hi').response).text };
  }

  @MessagePattern('chunks')
  @SubscribeMessage('chunks')
  chunks() {
    return this.llm
      .stream('Hi')
      .toObservable()
      .pipe(map((data) => ({ event: 'chunk', data })));
  }

  /** A gateway that sends messages to its client directly. */
  @SubscribeMessage('own') async own(
    @ConnectedSocket() client: { send: (text: string) => unknown },
  ) {
    for await (const text of this.llm.stream('Hi').textStream) client.send(text);
  }

  @SubscribeMessage('guarded') @UseGuards(UntilItLeft) guarded() {
    return this.generate();
  }

  handleDisconnect() {
    arrived.emit('left');
  }

  /** Answers, and continues to work. */
  @SubscribeMessage('behind') behind() {
    void this.llm.generate('Later').catch(() => undefined);
    return { event: 'answer', data: 'done' };
  }
}

/** An answer that is sent after the client disconnected. */
const afterItLeft: Serve = async (exchange) => {
  await once(arrived, 'left');
  await json(wire.answer({ text: 'Hello' }))(exchange);
};

const SILENT: LoggerService = { log() {}, warn() {}, error() {} };

async function compile() {
  provider = await WireServer.listen();
  const llm = wire.client(provider.origin) as LlmOptions;
  const root = CallbacksModule.forRoot({ llm, agent: {}, callbacks: [emitting] });
  const module = await Test.createTestingModule({
    imports: [root],
    providers: [Desk],
    controllers: [Desk],
  })
    .setLogger(testLogger)
    .compile();
  return { module, provider };
}

describe.each(SOCKETS)('A client that disconnects from $name', (sockets: Sockets) => {
  async function listen() {
    const { module, provider: server } = await compile();
    const app: INestApplication = willClose(module.createNestApplication({ logger: SILENT }));
    app.useWebSocketAdapter(sockets.adapter(app));
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    const connect = () => sockets.connect(url);
    return { server, client: await connect(), connect };
  }

  it('aborts the call of its message', async () => {
    const { server, client } = await listen();
    server.answers(silence);
    const ending = ended('llm.error');
    client.send('generate');
    const { aborted } = await server.exchange(0);
    client.leave();
    expect(await ending).toMatchObject({ aborted: true, error: { name: 'AbortError' } });
    expect(await aborted).toBe(true);
  });

  it('aborts all runs started by its messages, and no other client’s', async () => {
    const { server, client, connect } = await listen();
    server.answers(afterItLeft, silence, silence);
    const other = await connect();
    other.send('generate');
    await server.exchange(0);
    const endings = Promise.all([ended('agent.error'), ended('llm.error')]);
    client.send('generate');
    await server.exchange(1);
    client.send('agent');
    await server.exchange(2);
    client.leave();
    expect(await endings).toMatchObject([{ aborted: true }, { aborted: true }]);
    expect(await server.exchanges[1]!.aborted).toBe(true);
    expect(await server.exchanges[2]!.aborted).toBe(true);
    expect(await other.next('answer')).toBe('Hello');
  });

  it.each(['stream', 'chunks', 'own'])('cancels the stalled stream of "%s"', async (message) => {
    const { server, client } = await listen();
    server.answers(stalled(wire.opening, wire.text('Hello')));
    const [chunk, ending] = [ended('llm.chunk'), ended('llm.end')];
    client.send(message);
    await chunk;
    client.leave();
    expect(await ending).toMatchObject({ finishReason: 'cancelled', text: 'Hello' });
    expect(await server.exchanges[0]!.aborted).toBe(true);
  });

  it('before its guards complete starts no request', async () => {
    const { server, client } = await listen();
    const types: string[] = [];
    received.on('llm.start', () => types.push('llm.start'));
    const message = once(arrived, 'message');
    client.send('guarded');
    await message;
    client.leave();
    await once(arrived, 'passed');
    await macrotask();
    expect(types).toEqual([]);
    expect(server.exchanges).toEqual([]);
  });

  it('does not abort runs that continue after the answer', async () => {
    const { server, client } = await listen();
    server.answers(afterItLeft);
    const ending = ended('llm.end');
    client.send('behind');
    await Promise.all([client.next('answer'), server.exchange(0)]);
    client.leave();
    expect(await ending).toMatchObject({ text: 'Hello' });
  });
});

describe('Unsubscribing from the answer to a microservice message', () => {
  async function ask(pattern: string) {
    const { module, provider: server } = await compile();
    const strategy = new Transport();
    await willClose(module.createNestMicroservice({ strategy })).listen();
    server.answers(pattern === 'generate' ? silence : stalled(wire.opening, wire.text('Hello')));
    const answer = await strategy.ask(pattern, undefined, {});
    return { server, subscription: answer.subscribe() };
  }

  it('aborts the call', async () => {
    const [ending, signalled] = [ended('llm.error'), once(arrived, 'signal')];
    const { server, subscription } = await ask('generate');
    const { aborted } = await server.exchange(0);
    const [signal] = (await signalled) as [AbortSignal];
    subscription.unsubscribe();
    expect(await ending).toMatchObject({ aborted: true, error: { name: 'AbortError' } });
    expect(await aborted).toBe(true);
    expect(signal.aborted).toBe(true);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('cancels the stream', async () => {
    const [chunk, ending] = [ended('llm.chunk'), ended('llm.end')];
    const { server, subscription } = await ask('chunks');
    await chunk;
    subscription.unsubscribe();
    expect(await ending).toMatchObject({ finishReason: 'cancelled', text: 'Hello' });
    expect(await server.exchanges[0]!.aborted).toBe(true);
  });
});
