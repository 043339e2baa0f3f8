import { afterEach, describe, expect, it } from '@jest/globals';
import { request as httpRequest } from 'node:http';
import {
  Controller,
  Get,
  Injectable,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  CallbacksModule,
  LlmService,
  type CallbacksModuleOptions,
  type LlmProvider,
} from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { always, closeApps, willClose } from '../support/app.js';
import { testLogger } from '../support/logs.js';

afterEach(closeApps);

@Controller()
class Desk {
  constructor(private readonly llm: LlmService) {}
  @Get('ask') async ask() {
    const { text } = await this.llm.generate('hi');
    return { text };
  }
  @Get('twice') async twice() {
    await Promise.all([this.llm.generate('a'), this.llm.stream('b').response]);
  }
}

@Injectable()
class AskingGuard implements CanActivate {
  constructor(private readonly llm: LlmService) {}
  async canActivate() {
    await this.llm.generate('may they?');
    return true;
  }
}

@Controller()
class Guarded {
  @Get('guarded') @UseGuards(AskingGuard) guarded() {
    return {};
  }
}

const adapters = { Express: () => new ExpressAdapter(), Fastify: () => new FastifyAdapter() };

async function listen(platform: keyof typeof adapters, options: CallbacksModuleOptions = {}) {
  const recording = new RecordingCallbacks();
  const root = CallbacksModule.forRoot({
    llm: { provider: new FakeLlm(always('hello')), model: 'fake' },
    callbacks: [recording],
    ...options,
  });
  const module = await Test.createTestingModule({ imports: [root], controllers: [Desk, Guarded] })
    .setLogger(testLogger)
    .compile();
  const app = willClose(module.createNestApplication(adapters[platform]()));
  await app.listen(0, '127.0.0.1');
  return { url: await app.getUrl(), recording };
}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

describe.each(Object.keys(adapters) as (keyof typeof adapters)[])(
  'An HTTP request on %s',
  (platform) => {
    it('gives its runs one id, one trace, and the user that `context` returns; `context` is called once', async () => {
      let asked = 0;
      const context = async (host: ExecutionContext) => {
        asked++;
        const { headers } = host.switchToHttp().getRequest<{ headers: Record<string, string> }>();
        return Promise.resolve({ userId: headers['x-user'], tags: ['web'] });
      };
      const { url, recording } = await listen(platform, { context });
      const headers = {
        'x-request-id': 'req:1',
        traceparent: `00-${TRACE}-00f067aa0ba902b7-01`,
        'x-user': 'ada',
      };
      await fetch(`${url}/twice`, { headers });
      expect(asked).toBe(1);
      expect(recording.of('llm.start')).toHaveLength(2);
      for (const event of recording.events) {
        expect(event).toMatchObject({
          requestId: 'req:1',
          traceId: TRACE,
          userId: 'ada',
          tags: ['web'],
        });
      }
    });

    it.each([
      ['an id with spaces', { 'x-request-id': 'a b' }],
      ['an id that is too long', { 'x-request-id': 'a'.repeat(129) }],
      ['an all-zero trace', { traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01` }],
      ['an all-zero parent', { traceparent: `00-${TRACE}-${'0'.repeat(16)}-01` }],
      ['an upper-case trace', { traceparent: `00-${TRACE.toUpperCase()}-00f067aa0ba902b7-01` }],
      ['version ff', { traceparent: `ff-${TRACE}-00f067aa0ba902b7-01` }],
    ])('ignores %s', async (_what, headers) => {
      const { url, recording } = await listen(platform);
      await fetch(`${url}/ask`, { headers });
      const [event] = recording.events;
      expect(event?.requestId).toMatch(/^[\da-f]{8}-/);
      expect(event?.traceId).toMatch(/^[\da-f]{32}$/);
      expect(event?.traceId).not.toBe(TRACE);
    });

    it('is rejected when `context` fails', async () => {
      const context = () => {
        throw new Error('who?');
      };
      const { url, recording } = await listen(platform, { context });
      expect((await fetch(`${url}/ask`)).status).toBe(500);
      expect(recording.events).toEqual([]);
    });

    it('has only ids in guards, which run before `context`', async () => {
      const { url, recording } = await listen(platform, { context: () => ({ userId: 'ada' }) });
      await fetch(`${url}/guarded`);
      expect(recording.events[0]).toMatchObject({
        userId: undefined,
        requestId: expect.any(String) as never,
      });
    });

    it('aborts its calls when its client disconnects', async () => {
      let reached!: () => void;
      const atProvider = new Promise<void>((resolve) => (reached = resolve));
      let ended!: (error: unknown) => void;
      const failed = new Promise<unknown>((resolve) => (ended = resolve));
      const stalled: LlmProvider = {
        name: 'stalled',
        generate: () => {
          reached();
          return new Promise(() => undefined);
        },
        stream: () => {
          throw new Error('not asked for');
        },
      };
      const ending = { onLlmError: ended };
      const { url } = await listen(platform, {
        llm: { provider: stalled, model: 's' },
        callbacks: [ending],
      });
      const request = httpRequest(`${url}/ask`).on('error', () => undefined);
      request.end();
      await atProvider;
      request.destroy();
      expect(await failed).toMatchObject({
        aborted: true,
        error: { name: 'AbortError', code: 'aborted' },
      });
    });
  },
);
