import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Query,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { concatMap, lastValueFrom, mergeMap } from 'rxjs';
import { z } from 'zod';
import {
  AgentService,
  CallbacksModule,
  LlmService,
  Tool,
  type AgentStream,
  type CallbackEvent,
  type LlmProvider,
  type LlmRequest,
  type LlmStream,
  type ToolContext,
} from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { closeApps, willClose } from '../support/app.js';
import { testLogger } from '../support/logs.js';

afterEach(closeApps);

/** Answers with its prompt; calls a tool if an agent has one. */
const echo: LlmProvider = {
  name: 'echo',
  generate: (request, context) => fake(request).generate(request, context),
  stream: (request, context) => fake(request).stream(request, context),
};

function fake({ messages, tools = [] }: LlmRequest): FakeLlm {
  const { role, content } = messages.at(-1)!;
  const said = content as string;
  if (tools.length === 0 || role === 'tool') return new FakeLlm([said]);
  return new FakeLlm([{ toolCalls: [{ name: 'look', args: { user: said.split(' ')[0] } }] }]);
}

const parameters = z.object({ user: z.string() });

@Injectable()
class Tools {
  readonly seen: [user: string, context: unknown][] = [];
  constructor(private readonly llm: LlmService) {}

  @Tool({ description: 'Looks.', parameters })
  async look({ user }: z.infer<typeof parameters>, { context }: ToolContext) {
    this.seen.push([user, context.userId]);
    return (await this.llm.generate(`${user} in a tool`)).text;
  }
}

/** Calls the LLM before and after the handler. */
@Injectable()
class Around implements NestInterceptor {
  constructor(private readonly llm: LlmService) {}
  async intercept(host: ExecutionContext, next: CallHandler) {
    const { user } = host.switchToHttp().getRequest<{ query: { user: string } }>().query;
    await this.llm.generate(`${user} before`);
    return next.handle().pipe(
      mergeMap(async (answer: unknown) => {
        await this.llm.generate(`${user} after`);
        return answer;
      }),
    );
  }
}

@Controller()
class Desk {
  /** Streams created by one request, for another request to read. */
  readonly handedOver = new Map<string, LlmStream | AgentStream>();

  constructor(
    private readonly llm: LlmService,
    private readonly agent: AgentService,
  ) {}

  @Get('all') @UseInterceptors(Around) async all(@Query('user') user: string) {
    const stream = this.llm.stream(`${user} by stream`);
    const after = stream.response.then(() => this.llm.generate(`${user} after the stream`));
    for await (const { type } of stream) await this.llm.generate(`${user} in a loop: ${type}`);
    await after;
    await this.agent.run(`${user} by agent`);
    for await (const { type } of this.agent.stream(`${user} by agent's stream`)) {
      if (type === 'tool.end') await this.llm.generate(`${user} in a loop over events`);
    }
    const subscribed = this.llm.stream(`${user} by Observable`).toObservable();
    await lastValueFrom(
      subscribed.pipe(concatMap(() => this.llm.generate(`${user} in an operator`))),
    );
    await new Promise((resolve, reject) => {
      setTimeout(() => void this.llm.generate(`${user} by timer`).then(resolve, reject));
    });
  }

  @Get('make') make(@Query('user') user: string, @Query('kind') kind: string) {
    const stream =
      kind === 'agent' ? this.agent.stream(`${user} made`) : this.llm.stream(`${user} made`);
    this.handedOver.set(kind, stream);
  }

  @Get('read') async read(@Query('user') user: string, @Query('kind') kind: string) {
    const stream = this.handedOver.get(kind)!;
    for await (const { type } of stream as AsyncIterable<{ type: string }>) {
      await this.llm.generate(`${user} reads ${type}`);
    }
  }
}

const PLATFORMS = {
  Express: () => new ExpressAdapter(),
  Fastify: () => new FastifyAdapter(),
};

describe.each(Object.keys(PLATFORMS) as (keyof typeof PLATFORMS)[])(
  'The request context on %s',
  (platform) => {
    async function listen() {
      const recording = new RecordingCallbacks();
      const root = CallbacksModule.forRoot({
        llm: { provider: echo, model: 'echo' },
        agent: { tools: [Tools] },
        callbacks: [recording],
        context: (host) => ({
          userId: host.switchToHttp().getRequest<{ query: { user: string } }>().query.user,
        }),
      });
      const module = await Test.createTestingModule({
        imports: [root],
        controllers: [Desk],
        providers: [Tools, Around],
      })
        .setLogger(testLogger)
        .compile();
      const app = willClose(module.createNestApplication(PLATFORMS[platform]()));
      await app.listen(0, '127.0.0.1');
      const url = await app.getUrl();
      const get = async (path: string) => {
        const { status } = await fetch(`${url}/${path}`);
        expect(status).toBe(200);
      };
      return { get, recording, tools: app.get(Tools) };
    }

    /** The users of events, by the prompts of their runs. */
    function usersOf(events: readonly CallbackEvent[], start: 'llm.start' | 'agent.start') {
      const asked = new Map<string, string>();
      const users: [asked: string, user: string | undefined][] = [];
      for (const event of events) {
        if (event.type === start) asked.set(event.runId, promptOf(event));
        const prompt = asked.get(event.runId);
        if (prompt !== undefined) users.push([prompt, event.userId]);
      }
      return users;
    }

    const promptOf = (event: CallbackEvent) =>
      event.type === 'agent.start' ? event.goal : event.type === 'llm.start' ? event.prompt : '';

    it('applies to all runs that the request starts, anywhere, and to no run of a hundred others', async () => {
      const { get, recording, tools } = await listen();
      const names = Array.from({ length: 100 }, (_, i) => `user${i}`);
      await Promise.all(names.map((user) => get(`all?user=${user}`)));
      const { events } = recording;
      const users = [...usersOf(events, 'llm.start'), ...usersOf(events, 'agent.start')];
      expect(users.filter(([asked, user]) => asked.split(' ')[0] !== user)).toEqual([]);
      expect(tools.seen.filter(([user, context]) => user !== context)).toEqual([]);
      expect(tools.seen).toHaveLength(200);
      const ids = new Map(events.map(({ userId, requestId }) => [requestId, userId]));
      expect(new Set(ids.values())).toEqual(new Set(names));
      expect(ids.size).toBe(names.length);
      const kinds = new Set(
        recording.of('llm.start').map(({ prompt }) => prompt.split(/ (.*)/)[1]),
      );
      expect(kinds).toEqual(
        new Set([
          'after',
          'after the stream',
          'before',
          'by Observable',
          'by agent',
          "by agent's stream",
          'by stream',
          'by timer',
          'in a loop: text',
          'in a loop over events',
          'in a tool',
          'in an operator',
        ]),
      );
    });

    it.each(['llm', 'agent'])(
      'stays with a %s stream created in the request, while the consumer’s own runs have the consumer’s context',
      async (kind) => {
        const { get, recording } = await listen();
        await get(`make?user=ada&kind=${kind}`);
        await get(`read?user=bob&kind=${kind}`);
        const users = new Set(
          usersOf(recording.events, 'llm.start').map(
            ([asked, user]) => `${asked.split(' ', 2).join(' ')}: ${user}`,
          ),
        );
        expect(users).toEqual(
          new Set([
            ...(kind === 'agent' ? ['ada in: ada'] : []),
            'ada made: ada',
            'bob reads: bob',
          ]),
        );
        const chunks = recording.of('llm.chunk');
        expect(new Set(chunks.map(({ userId }) => userId))).toEqual(new Set(['ada']));
      },
    );
  },
);
