import { on } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Query, Sse, UseFilters, type Provider } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { concat, lastValueFrom, of, throwError, timer, type Observable } from 'rxjs';
import { ignoreElements } from 'rxjs/operators';
import {
  BudgetExceededError,
  CallbacksConfigurationError,
  CallbacksExceptionFilter,
  CallbacksModule,
  PendingRunError,
} from 'nestjs-llm-callbacks';
import { closeApps, willClose } from '../support/app.js';
import { logs, testLogger } from '../support/logs.js';
import { leaveSockets, SOCKETS } from '../support/sockets.js';
import { Transport } from '../support/transport.js';

afterEach(async () => {
  leaveSockets();
  await closeApps();
});

let thrown: Error;

@Controller()
class Failing {
  @MessagePattern('now')
  now() {
    throw thrown;
  }

  @MessagePattern('later')
  later() {
    return throwError(() => thrown);
  }
}

/** Nest has no global filters for gateways. */
@WebSocketGateway()
@UseFilters(CallbacksExceptionFilter)
class FailingGateway {
  @SubscribeMessage('now') now() {
    throw thrown;
  }

  @SubscribeMessage('other') other() {
    throw new Error('not ours');
  }

  @SubscribeMessage('later') later() {
    return throwError(() => thrown);
  }
}

@Controller()
class Streams {
  /** Fails after some events, or before the first one. */
  @Sse('sse') sse(@Query('after') after: string): Observable<{ data: string }> {
    return after === '0' ? throwError(() => thrown) : begun();
  }
}

@Controller('own')
@UseFilters(CallbacksExceptionFilter)
class OwnFilter {
  @Sse('sse') sse() {
    return begun();
  }

  @Get('plain') plain() {
    throw thrown;
  }
}

/** Fails after its first event was sent. */
function begun(): Observable<{ data: string }> {
  const pause = timer(5).pipe(ignoreElements());
  return concat(
    of({ data: 'first' }),
    pause,
    throwError(() => thrown),
  );
}

const FILTER: Provider = { provide: APP_FILTER, useClass: CallbacksExceptionFilter };

async function compile(providers: Provider[], controllers: (typeof Failing | typeof Streams)[]) {
  return Test.createTestingModule({
    imports: [CallbacksModule.forRoot()],
    providers,
    controllers: [...controllers, OwnFilter],
  })
    .setLogger(testLogger)
    .compile();
}

const SPENT = { name: 'BudgetExceededError', code: 'budget_exceeded', retryable: false };

describe.each(SOCKETS)('CallbacksExceptionFilter with $name', (sockets) => {
  async function connect() {
    const module = await compile([FailingGateway], []);
    const app = willClose(module.createNestApplication());
    app.useWebSocketAdapter(sockets.adapter(app));
    await app.listen(0, '127.0.0.1');
    return sockets.connect(await app.getUrl());
  }

  it.each(['now', 'later'])(
    'sends the error’s JSON as an exception, for a handler that fails %s',
    async (message) => {
      const client = await connect();
      thrown = new BudgetExceededError('spent');
      client.send(message);
      expect(await client.next('exception')).toEqual({ ...SPENT, message: 'spent' });
      expect(logs).toEqual([]);
    },
  );

  it('sends the error that a pending run is not resumed', async () => {
    const client = await connect();
    thrown = new PendingRunError('replayed', { reason: 'replayed' });
    client.send('now');
    expect(await client.next('exception')).toMatchObject({
      code: 'pending_run',
      message: 'replayed',
    });
  });

  it('logs an error of the application, and does not send it', async () => {
    const client = await connect();
    thrown = new CallbacksConfigurationError('no model');
    client.send('now');
    expect(await client.next('exception')).toMatchObject({
      code: 'configuration',
      message: 'Internal server error',
    });
    expect(logs).toEqual([{ level: 'error', message: 'no model' }]);
  });

  it('leaves errors of other kinds to Nest', async () => {
    const client = await connect();
    thrown = new BudgetExceededError('spent');
    const exceptions = on(client.received, 'exception');
    client.send('other');
    client.send('now');
    for await (const [json] of exceptions) {
      if ((json as { code?: string }).code === 'budget_exceeded') break;
      expect(JSON.stringify(json)).not.toContain('not ours');
    }
    expect(logs).toEqual([{ level: 'error', message: expect.stringContaining('not ours') }]);
  });
});

describe('CallbacksExceptionFilter with microservices', () => {
  async function ask(pattern: string) {
    const module = await compile([FILTER], [Failing]);
    const strategy = new Transport();
    await willClose(module.createNestMicroservice({ strategy })).listen();
    return lastValueFrom(await strategy.ask(pattern, undefined, {}));
  }

  it.each(['now', 'later'])(
    'returns the error’s JSON, for a handler that fails %s',
    async (pattern) => {
      thrown = new BudgetExceededError('spent');
      await expect(ask(pattern)).rejects.toEqual({ ...SPENT, message: 'spent' });
      expect(logs).toEqual([]);
    },
  );

  it('returns the error that a pending run is not resumed', async () => {
    thrown = new PendingRunError('replayed', { reason: 'replayed' });
    await expect(ask('now')).rejects.toMatchObject({ code: 'pending_run', message: 'replayed' });
    expect(logs).toEqual([]);
  });

  it('logs an error of the application', async () => {
    thrown = new CallbacksConfigurationError('no model');
    await expect(ask('now')).rejects.toMatchObject({ code: 'configuration', message: 'no model' });
    expect(logs).toEqual([{ level: 'error', message: 'no model' }]);
  });
});

const PLATFORMS = {
  Express: () => new ExpressAdapter(),
  Fastify: () => new FastifyAdapter(),
};

describe.each(Object.keys(PLATFORMS) as (keyof typeof PLATFORMS)[])(
  'CallbacksExceptionFilter with @Sse() on %s',
  (platform) => {
    async function get(path: string, providers: Provider[] = [FILTER]) {
      const module = await compile(providers, [Streams]);
      const app = willClose(module.createNestApplication(PLATFORMS[platform]()));
      await app.listen(0, '127.0.0.1');
      return fetch(`${await app.getUrl()}/${path}`, { headers: { accept: 'text/event-stream' } });
    }

    /** Names and data of events. */
    async function eventsOf(response: Response) {
      const blocks = (await response.text()).trim().split('\n\n');
      return blocks.map((block) => {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
        return [field('event') ?? 'message', field('data')];
      });
    }

    const BODY = { statusCode: 402, error: 'BudgetExceededError', code: 'budget_exceeded' };

    it('sends the error as the last event of a started stream', async () => {
      thrown = new BudgetExceededError('spent');
      const response = await get('sse?after=1');
      expect(response.status).toBe(200);
      const [first, last, ...rest] = await eventsOf(response);
      expect(first).toEqual(['message', 'first']);
      expect(last![0]).toBe('failed');
      expect(JSON.parse(last![1]!)).toEqual({ ...BODY, message: 'spent', retryable: false });
      expect(rest).toEqual([]);
    });

    it('sends it also as the filter of a controller', async () => {
      thrown = new BudgetExceededError('spent');
      const [, last] = await eventsOf(await get('own/sse', []));
      expect(JSON.parse(last![1]!)).toMatchObject(BODY);
    });

    it('does not send errors of the application to the client', async () => {
      thrown = new CallbacksConfigurationError('no model');
      const [, last] = await eventsOf(await get('sse?after=1'));
      expect(JSON.parse(last![1]!)).toMatchObject({
        statusCode: 500,
        message: 'Internal server error',
      });
      expect(logs).toEqual([{ level: 'error', message: 'no model' }]);
    });

    it.each<[string, Error, Provider[]]>([
      ['errors of other kinds', new Error('not ours'), [FILTER]],
      ['all errors where it is not used', new BudgetExceededError('spent'), []],
    ])('leaves %s to Nest', async (_what, error, providers) => {
      thrown = error;
      const [, last] = await eventsOf(await get('sse?after=1', providers));
      expect(last![0]).toBe('error');
      expect(last![1]).not.toContain('statusCode');
    });
  },
);
