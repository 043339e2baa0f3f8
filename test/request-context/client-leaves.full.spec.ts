import { EventEmitter, getEventListeners, getMaxListeners, on, once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  createParamDecorator,
  Get,
  Injectable,
  Res,
  Sse,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type PipeTransform,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { from, map } from 'rxjs';
import { AgentService, LlmService, type CallbackEvent } from 'nestjs-llm-callbacks';
import { ContextStore } from '../../src/runs/run-context.js';
import { json, silence, stalled, useBench, WIRES } from '../support/wire/index.js';

const [openai] = WIRES;
const wire = openai!;

type Response = ServerResponse | { raw: ServerResponse };
const rawOf = (response: Response) => ('raw' in response ? response.raw : response);

/** A guard that passes a request only after its client disconnected. */
@Injectable()
class UntilItLeft implements CanActivate, PipeTransform {
  canActivate(host: ExecutionContext) {
    return this.transform(host.switchToHttp().getResponse());
  }
  async transform(response: Response) {
    arrived.emit('request');
    await once(rawOf(response), 'close');
    return true;
  }
}

/** Ends the response itself when the client disconnects. */
@Injectable()
class EndsIt implements CanActivate {
  canActivate(host: ExecutionContext) {
    const raw = rawOf(host.switchToHttp().getResponse());
    raw.once('close', () => raw.end());
    return true;
  }
}

const ResponseOf = createParamDecorator((_data, host: ExecutionContext) =>
  rawOf(host.switchToHttp().getResponse()),
);

@Controller()
class Desk {
  constructor(
    private readonly llm: LlmService,
    private readonly agent: AgentService,
    private readonly ref: ModuleRef,
  ) {}

  @Get('generate') async generate() {
    return (await this.llm.generate('Hi')).text;
  }
  @Get('agent') async work() {
    return (await this.agent.run('Hi')).output;
  }
  @Get('stream') async stream() {
    return (await this.llm.stream('Hi').response).text;
  }
  @Get('agent-stream') async watch() {
    return (await this.agent.stream('Hi').result).output;
  }

  @Sse('sse') sse() {
    return this.llm
      .stream('Hi')
      .toObservable()
      .pipe(map((data) => ({ data })));
  }
  @Sse('sse-agent') sseAgent() {
    return this.agent
      .stream('Hi')
      .toObservable()
      .pipe(map(({ type }) => ({ data: type })));
  }
  @Sse('sse-generate') sseGenerate() {
    return from(this.llm.generate('Hi')).pipe(map(({ text }) => ({ data: text })));
  }

  @Get('own') async own(@Res() response: Response) {
    const raw = rawOf(response);
    raw.writeHead(200, { 'content-type': 'text/plain' });
    for await (const text of this.llm.stream('Hi').textStream) raw.write(text);
    raw.end();
  }
  @Get('own-generate') async ownGenerate(@Res() response: Response) {
    const raw = rawOf(response);
    raw.write('wait');
    try {
      raw.write((await this.llm.generate('Hi')).text);
    } finally {
      raw.end();
    }
  }
  @Get('own-ending') @UseGuards(EndsIt) ownEnding() {
    return this.generate();
  }

  @Get('guarded') @UseGuards(UntilItLeft) guarded() {
    return this.generate();
  }
  @Get('guarded-stream') @UseGuards(UntilItLeft) guardedStream() {
    return this.stream();
  }
  @Get('guarded-agent') @UseGuards(UntilItLeft) guardedAgent() {
    return this.work();
  }
  @Get('guarded-agent-stream') @UseGuards(UntilItLeft) guardedAgentStream() {
    return this.watch();
  }
  @Get('piped') piped(@ResponseOf(UntilItLeft) _left: boolean) {
    return this.generate();
  }

  @Get('many') async many() {
    arrived.emit('many', this.ref.get(ContextStore, { strict: false }).current?.context.signal);
    await Promise.all(Array.from({ length: 30 }, () => this.llm.generate('Hi')));
  }
  @Get('behind') behind() {
    void this.llm.generate('Later').catch(() => undefined);
    return 'done';
  }
}

/** Emits what the application does, as it happens. */
let arrived = new EventEmitter();
let received = new EventEmitter();
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  arrived = new EventEmitter();
  received = new EventEmitter();
});

const emitting = { onAnyEvent: (event: CallbackEvent) => void received.emit(event.type, event) };
const ended = async (type: string) => ((await once(received, type)) as [CallbackEvent])[0];

const PLATFORMS = {
  Express: () => new ExpressAdapter(),
  Fastify: () => new FastifyAdapter(),
};

const WAYS: [string, (socket: Socket) => void][] = [
  ['hangs up', (socket) => socket.destroy()],
  ['resets the connection', (socket) => socket.resetAndDestroy()],
  ['closes its half of the connection', (socket) => socket.end()],
];

describe.each(Object.keys(PLATFORMS) as (keyof typeof PLATFORMS)[])(
  'A client that disconnects on %s',
  (platform) => {
    const bench = useBench(wire, {
      controllers: [Desk],
      callbacks: [emitting],
      agent: {},
      http: PLATFORMS[platform],
    });

    /** A client that has requested a path. */
    async function ask(path: string, socket?: Socket): Promise<Socket> {
      const { port } = new URL(await bench.url);
      const asking = socket ?? connect(Number(port), '127.0.0.1');
      sockets.push(asking);
      asking.on('error', () => undefined).resume();
      asking.write(`GET /${path} HTTP/1.1\r\nHost: desk\r\n\r\n`);
      return asking;
    }

    /** Sends a request, and disconnects once the provider has sent everything that it sends. */
    async function askAndLeave(path: string, leave = WAYS[0]![1]) {
      const socket = await ask(path);
      const exchange = await bench.server.exchange(0);
      leave(socket);
      return exchange;
    }

    const types = () => bench.recording.events.map(({ type }) => type);

    describe.each(WAYS)('and %s', (_way, leave) => {
      it.each(['generate', 'sse-generate', 'own-generate', 'own-ending'])(
        'aborts the call of /%s',
        async (path) => {
          bench.server.answers(silence);
          const ending = ended('llm.error');
          const { aborted } = await askAndLeave(path, leave);
          expect(await ending).toMatchObject({ aborted: true, error: { name: 'AbortError' } });
          expect(await aborted).toBe(true);
        },
      );

      it('aborts a call whose provider has sent only headers', async () => {
        bench.server.answers(({ response }) => {
          response.writeHead(200, { 'content-type': 'application/json' }).write('{"id":');
        });
        const ending = ended('llm.error');
        const { aborted } = await askAndLeave('generate', leave);
        expect(await ending).toMatchObject({ aborted: true, error: { code: 'aborted' } });
        expect(await aborted).toBe(true);
      });

      it.each(['stream', 'sse', 'own'])('cancels the stream of /%s', async (path) => {
        bench.server.answers(stalled(wire.opening, wire.text('Hello')));
        const [chunk, ending] = [ended('llm.chunk'), ended('llm.end')];
        const socket = await ask(path);
        await chunk;
        leave(socket);
        expect(await ending).toMatchObject({ finishReason: 'cancelled', text: 'Hello' });
        expect(await bench.server.exchanges[0]!.aborted).toBe(true);
      });

      it.each(['stream', 'sse'])(
        'cancels the stream of /%s before its first chunk',
        async (path) => {
          bench.server.answers(stalled());
          const ending = ended('llm.end');
          const { aborted } = await askAndLeave(path, leave);
          expect(await ending).toMatchObject({ finishReason: 'cancelled', text: '' });
          expect(await aborted).toBe(true);
        },
      );

      it('aborts the agent of /agent', async () => {
        bench.server.answers(silence);
        const ending = ended('agent.error');
        await askAndLeave('agent', leave);
        expect(await ending).toMatchObject({ aborted: true, error: { name: 'AbortError' } });
        expect(types()).toEqual(['agent.start', 'llm.start', 'llm.error', 'agent.error']);
      });

      it.each(['agent-stream', 'sse-agent'])('cancels the agent of /%s', async (path) => {
        bench.server.answers(stalled(wire.opening, wire.text('Hello')));
        const [chunk, ending] = [ended('llm.chunk'), ended('agent.end')];
        const socket = await ask(path);
        await chunk;
        leave(socket);
        expect(await ending).toMatchObject({ result: { finishReason: 'cancelled' } });
      });
    });

    it.each(['guarded', 'piped'])(
      'before the call of /%s aborts it when it starts',
      async (path) => {
        const [request, ending] = [once(arrived, 'request'), ended('llm.error')];
        const socket = await ask(path);
        await request;
        socket.destroy();
        expect(await ending).toMatchObject({ aborted: true, attempts: [] });
        expect(bench.server.exchanges).toEqual([]);
      },
    );

    it.each([
      ['guarded-stream', 'llm.end', { finishReason: 'cancelled' }],
      ['guarded-agent', 'agent.error', { aborted: true }],
      ['guarded-agent-stream', 'agent.end', { result: { finishReason: 'cancelled' } }],
    ])('before the run of /%s aborts it when it starts', async (path, type, end) => {
      const [request, ending] = [once(arrived, 'request'), ended(type)];
      const socket = await ask(path);
      await request;
      socket.destroy();
      expect(await ending).toMatchObject(end);
      expect(bench.server.exchanges).toEqual([]);
    });

    it('from a keep-alive connection aborts only its last request', async () => {
      bench.server.answers(json(wire.answer({ text: 'Hello' })), silence);
      const [answered, ending] = [ended('llm.end'), ended('llm.error')];
      const socket = await ask('generate');
      const [data] = (await once(socket, 'data')) as [Buffer];
      expect(String(data)).toContain('Hello');
      await answered;
      await ask('generate', socket);
      await bench.server.exchange(1);
      socket.destroy();
      expect(await ending).toMatchObject({ aborted: true });
      expect(types()).toEqual(['llm.start', 'llm.end', 'llm.start', 'llm.error']);
    });

    it('after its answer does not abort runs that continue', async () => {
      bench.server.answers(async (exchange) => {
        await once(arrived, 'left');
        await json(wire.answer({ text: 'Hello' }))(exchange);
      });
      const ending = ended('llm.end');
      const socket = await ask('behind');
      await Promise.all([once(socket, 'data'), bench.server.exchange(0)]);
      socket.destroy();
      await once(socket, 'close');
      arrived.emit('left');
      expect(await ending).toMatchObject({ text: 'Hello' });
    });

    it('aborts any number of runs at once; its signal neither warns about nor keeps their listeners', async () => {
      bench.server.answers(...Array.from({ length: 30 }, () => silence));
      const endings = on(received, 'llm.error');
      const [[signal], socket] = await Promise.all([once(arrived, 'many'), ask('many')]);
      await bench.server.exchange(29);
      expect(getEventListeners(signal as AbortSignal, 'abort')).toHaveLength(30);
      expect(getMaxListeners(signal as AbortSignal)).toBe(Infinity);
      socket.destroy();
      for (let left = 30; left > 0; left--) await endings.next();
      expect(getEventListeners(signal as AbortSignal, 'abort')).toEqual([]);
    });
  },
);

describe('A client that disconnects on HTTP/2', () => {
  const bench = useBench(wire, {
    controllers: [Desk],
    callbacks: [emitting],
    http: () => new FastifyAdapter({ http2: true } as object),
  });

  async function ask(path: string) {
    const session = connectHttp2(await bench.url);
    const stream = session.request({ ':path': `/${path}` });
    stream.on('error', () => undefined).resume();
    return { session, stream };
  }

  it.each(['hangs up', 'resets the stream'])('and %s aborts its call', async (way) => {
    bench.server.answers(silence);
    const ending = ended('llm.error');
    const { session, stream } = await ask('generate');
    const { aborted } = await bench.server.exchange(0);
    if (way === 'hangs up') session.destroy();
    else stream.close(constants.NGHTTP2_CANCEL);
    expect(await ending).toMatchObject({ aborted: true });
    expect(await aborted).toBe(true);
    session.destroy();
  });

  it('after its answer does not abort runs that continue', async () => {
    bench.server.answers(async (exchange) => {
      await once(arrived, 'left');
      await json(wire.answer({ text: 'Hello' }))(exchange);
    });
    const ending = ended('llm.end');
    const { session, stream } = await ask('behind');
    await Promise.all([once(stream, 'end'), bench.server.exchange(0)]);
    session.close();
    await once(session, 'close');
    arrived.emit('left');
    expect(await ending).toMatchObject({ text: 'Hello' });
  });
});
