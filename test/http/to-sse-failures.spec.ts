import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  ForbiddenException,
  HttpException,
  Injectable,
  Sse,
  UnauthorizedException,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  BudgetExceededError,
  CallbacksConfigurationError,
  CallbacksExceptionFilter,
  CallbacksModule,
  LlmService,
  OnLlmStart,
  OnLlmStreamChunk,
  type LlmStreamChunkEvent,
} from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import { always, closeApps, willClose } from '../support/app.js';
import { read, TestEventSource } from '../support/event-source.js';
import { logs, testLogger } from '../support/logs.js';

afterEach(closeApps);

let thrown: Error;
/** When the error is thrown: before any request, or after the first chunk was sent. */
let when: 'start' | 'middle';

@Injectable()
class Gate {
  @OnLlmStart({ critical: true })
  start() {
    if (when === 'start') throw thrown;
  }

  @OnLlmStreamChunk({ critical: true })
  chunk({ index }: LlmStreamChunkEvent) {
    if (when === 'middle' && index === 1) throw thrown;
  }
}

@Controller()
class Streams {
  constructor(private readonly llm: LlmService) {}

  @Sse() ask() {
    return this.llm.stream('hi').toSse();
  }
}

const PLATFORMS = {
  Express: () => new ExpressAdapter(),
  Fastify: () => new FastifyAdapter(),
};
const FILTER: Provider = { provide: APP_FILTER, useClass: CallbacksExceptionFilter };
const HOW: [how: string, providers: Provider[]][] = [
  ['with the filter', [FILTER]],
  ['without the filter', []],
];

describe.each(Object.keys(PLATFORMS) as (keyof typeof PLATFORMS)[])(
  'A stream by toSse() that fails on %s',
  (platform) => {
    /** The result of an `EventSource`, and the number of its `requests` to the model. */
    async function ask(providers: Provider[] = []) {
      const fake = new FakeLlm(always('one two'));
      const root = CallbacksModule.forRoot({ llm: { provider: fake, model: 'fake' } });
      const module = await Test.createTestingModule({
        imports: [root],
        providers: [Gate, ...providers],
        controllers: [Streams],
      })
        .setLogger(testLogger)
        .compile();
      const app = willClose(module.createNestApplication(PLATFORMS[platform]()));
      await app.listen(0, '127.0.0.1');
      const connections = await new TestEventSource(await app.getUrl()).run();
      const statuses = connections.map(({ status }) => status);
      return { statuses, first: connections[0]!, requests: fake.requests.length };
    }

    it.each(HOW)('ends in "failed" with the body of the filter %s', async (_how, providers) => {
      [thrown, when] = [new BudgetExceededError('spent'), 'start'];
      const { statuses, first, requests } = await ask(providers);

      expect(read(first)).toEqual([
        [
          'failed',
          {
            statusCode: 402,
            error: 'BudgetExceededError',
            code: 'budget_exceeded',
            message: 'spent',
            retryable: false,
          },
        ],
      ]);
      expect(statuses).toEqual([200, 204]);
      expect(requests).toBe(0);
      expect(logs).toEqual([]);
    });

    it.each(HOW)('ends in "failed" after the first chunk, too, %s', async (_how, providers) => {
      [thrown, when] = [new BudgetExceededError('spent'), 'middle'];
      const { statuses, first, requests } = await ask(providers);

      expect(read(first)).toMatchObject([
        ['message', { text: 'one' }],
        ['failed', { code: 'budget_exceeded' }],
      ]);
      expect(statuses).toEqual([200, 204]);
      expect(requests).toBe(1);
    });

    it('logs an error of the application, and does not send it', async () => {
      [thrown, when] = [new CallbacksConfigurationError('secret mistake'), 'start'];
      const { first } = await ask();

      expect(read(first)).toMatchObject([['failed', { message: 'Internal server error' }]]);
      expect(logs).toEqual([{ level: 'error', message: 'secret mistake' }]);
    });

    it.each(HOW)('has the status of an error of another kind %s', async (_how, providers) => {
      [thrown, when] = [new ForbiddenException('Say who you are.'), 'start'];
      const { statuses, first, requests } = await ask(providers);

      expect(statuses).toEqual([403]);
      expect(JSON.parse(first.text)).toMatchObject({ message: 'Say who you are.' });
      expect(requests).toBe(0);
    });

    it.each([
      [new ForbiddenException('Enough.'), { statusCode: 403, message: 'Enough.' }, []],
      [new HttpException('Enough.', 410), { statusCode: 410, message: 'Enough.' }, []],
      [
        new UnauthorizedException(new Error('secret') as never),
        { statusCode: 401, message: 'Unauthorized' },
        [],
      ],
      [
        new TypeError('secret'),
        { statusCode: 500, message: 'Internal server error' },
        [{ level: 'error', message: 'secret' }],
      ],
    ])(
      'sends Nest’s body of such an error after the first chunk: %s',
      async (error, body, logged) => {
        [thrown, when] = [error, 'middle'];
        const { first } = await ask();

        const [, last] = read(first);
        expect(last).toEqual(['failed', expect.objectContaining(body)]);
        expect(first.text).not.toContain('secret');
        expect(logs).toEqual(logged);
      },
    );
  },
);
