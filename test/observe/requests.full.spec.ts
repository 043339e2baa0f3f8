import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type Anthropic from '@anthropic-ai/sdk';
import { Controller, Get, Query } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type OpenAI from 'openai';
import {
  CallbacksService,
  CostLimiter,
  MemoryLimitStore,
  OnLlmStreamChunk,
  RateLimiter,
  type CallbackEvent,
} from 'nestjs-llm-callbacks';
import { OpenRuns } from '../../src/runs/active-run.js';
import { START } from '../support/limit-stores.js';
import { anthropic } from '../support/wire/anthropic.js';
import { Bench, costOf } from '../support/wire/index.js';
import { openai } from '../support/wire/openai.js';
import { newAnthropic, newOpenAi } from '../support/wire/sdk-clients.js';
import { echo, echoOf, usageOf } from './echo.js';

const REQUESTS = 1_000;
const AT_ONCE = 100;
const MAX_TOKENS = 100;

/** What the handler of a request works with. */
interface Clients {
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
  /** Starts a run of its own in the middle of a stream. */
  note(prompt: string): Promise<void>;
}

const chat = (prompt: string) => ({
  model: openai.model,
  messages: [{ role: 'user' as const, content: prompt }],
  max_completion_tokens: MAX_TOKENS,
});
const message = (prompt: string) => ({
  model: anthropic.model,
  messages: [{ role: 'user' as const, content: prompt }],
  max_tokens: MAX_TOKENS,
});

interface Way {
  readonly name: string;
  readonly wire: typeof openai;
  readonly streamed: boolean;
  readonly ask: (clients: Clients, prompt: string) => Promise<string>;
}

const WAYS: readonly Way[] = [
  {
    name: 'a chat completion',
    wire: openai,
    streamed: false,
    async ask(clients, prompt) {
      const { choices } = await clients.openai.chat.completions.create(chat(prompt));
      return choices[0]!.message.content!;
    },
  },
  {
    name: 'a streamed chat completion',
    wire: openai,
    streamed: true,
    async ask(clients, prompt) {
      let text = '';
      const body = { ...chat(prompt), stream: true } as const;
      for await (const { choices } of await clients.openai.chat.completions.create(body)) {
        await clients.note(prompt);
        text += choices[0]?.delta.content ?? '';
      }
      return text;
    },
  },
  {
    name: 'a message',
    wire: anthropic,
    streamed: false,
    async ask(clients, prompt) {
      const { content } = await clients.anthropic.messages.create(message(prompt));
      return content.map((block) => (block.type === 'text' ? block.text : '')).join('');
    },
  },
  {
    name: 'a streamed message',
    wire: anthropic,
    streamed: true,
    async ask(clients, prompt) {
      const stream = clients.anthropic.messages.stream(message(prompt));
      for await (const event of stream)
        if (event.type === 'content_block_delta') await clients.note(prompt);
      return stream.finalText();
    },
  },
];

@Controller()
class Desk {
  clients!: Clients;

  constructor(private readonly callbacks: CallbacksService) {}

  observe(origin: string): void {
    const { callbacks } = this;
    this.clients = {
      openai: callbacks.observe(newOpenAi(origin, { maxRetries: 0 })),
      anthropic: callbacks.observe(newAnthropic(origin, { maxRetries: 0 })),
      note: (prompt) => callbacks.chain('note', prompt, () => undefined),
    };
  }

  @Get('ask') async ask(@Query('user') user: string, @Query('way') way: number) {
    try {
      return { text: await WAYS[way]!.ask(this.clients, user) };
    } catch (error) {
      return { refused: (error as { cause?: Error }).cause?.name ?? (error as Error).name };
    }
  }
}

/** An asynchronous handler, so that the chunks of many requests wait at the same time. */
class Slow {
  @OnLlmStreamChunk()
  async onChunk(): Promise<void> {
    await new Promise(setImmediate);
  }
}

interface Asked {
  readonly user: string;
  readonly way: Way;
}

const ASKED: readonly Asked[] = Array.from({ length: REQUESTS }, (_, i) => ({
  user: `user-${i}`,
  way: WAYS[i % WAYS.length]!,
}));

const PLATFORMS = {
  Express: () => new ExpressAdapter(),
  Fastify: () => new FastifyAdapter(),
};

describe.each(Object.keys(PLATFORMS) as (keyof typeof PLATFORMS)[])(
  `${REQUESTS} HTTP requests of as many users, on %s, whose handlers call observed clients`,
  (platform) => {
    let bench: Bench;
    let rates: RateLimiter;
    let budget: CostLimiter;

    beforeEach(async () => {
      // The minute does not end while the test runs.
      const store = new MemoryLimitStore({ now: () => START });
      rates = new RateLimiter({ requestsPerMinute: 1, per: 'user', store });
      budget = new CostLimiter({ maxCost: 1, per: 'user' });
      bench = new Bench(openai, {
        http: PLATFORMS[platform],
        controllers: [Desk],
        providers: [Slow],
        callbacks: [rates, budget],
        context: (host) => {
          const { headers } = host.switchToHttp().getRequest<{ headers: Record<string, string> }>();
          return { userId: headers['x-user']! };
        },
      });
      await bench.open();
      bench.app.get(Desk).observe(bench.server.origin);
      bench.server.answers(...ASKED.map(() => echo));
    });
    afterEach(() => bench.close());

    async function request({ user, way }: Asked): Promise<unknown> {
      const url = `${await bench.url}/ask?user=${user}&way=${WAYS.indexOf(way)}`;
      const response = await fetch(url, { headers: { 'x-user': user } });
      expect(response.status).toBe(200);
      return response.json();
    }

    /** Sends all requests, some at once; returns their answers. */
    async function requestAll(): Promise<unknown[]> {
      const answers: unknown[] = [];
      let next = 0;
      const worker = async () => {
        for (let i = next++; i < ASKED.length; i = next++) answers[i] = await request(ASKED[i]!);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      return answers;
    }

    /** The events of each user's prompt, and the events that are of someone else. */
    function eventsByPrompt(events: readonly CallbackEvent[]) {
      const prompts = new Map<string, string>();
      const byPrompt = new Map<string, CallbackEvent[]>();
      const wrong: unknown[] = [];
      for (const event of events) {
        if (event.type === 'llm.start') prompts.set(event.runId, event.prompt);
        if (event.type === 'chain.start') prompts.set(event.runId, String(event.input));
        const prompt = prompts.get(event.runId) ?? 'unknown';
        byPrompt.set(prompt, [...(byPrompt.get(prompt) ?? []), event]);
        const { type, userId, parentRunId } = event;
        if (userId !== prompt || parentRunId !== undefined)
          wrong.push({ type, prompt, userId, parentRunId });
      }
      return { byPrompt, wrong };
    }

    it('have events of their own user, with the text of their own answer, and counts by user', async () => {
      const answers = await requestAll();
      expect(answers).toEqual(ASKED.map(({ user }) => ({ text: echoOf(user).join('') })));
      expect(bench.app.get(OpenRuns).size).toBe(0);

      const { byPrompt, wrong } = eventsByPrompt(bench.recording.events);
      expect(wrong).toEqual([]);
      expect(byPrompt.size).toBe(REQUESTS);
      const requestIds = new Set<string | undefined>();
      for (const { user, way } of ASKED) {
        const events = byPrompt.get(user)!;
        const ids = new Set(events.map(({ requestId }) => requestId));
        expect(ids.size).toBe(1);
        for (const id of ids) requestIds.add(id);
        expectOwnAnswer(events, { user, way });
      }
      expect(requestIds.size).toBe(REQUESTS);

      const { byUser } = bench.costs;
      for (const { user, way } of ASKED) {
        const { used, reserved } = await budget.usage(user);
        const cost = costOf(way.wire, usageOf(user));
        expect(used).toBeCloseTo(cost, 9);
        expect(reserved).toBe(0);
        expect(byUser.get(user)).toMatchObject({ requests: 1 });
        expect(byUser.get(user)!.cost).toBeCloseTo(cost, 12);
      }
    });

    it('are limited by user: another request of the same user is refused, and not sent', async () => {
      const some = ASKED.slice(0, AT_ONCE);
      await Promise.all(some.map(request));
      const again = await Promise.all(some.map(request));
      expect(again).toEqual(some.map(() => ({ refused: 'RateLimitExceededError' })));
      expect(bench.server.exchanges).toHaveLength(some.length);
      for (const { user } of some)
        expect(await rates.usage(user)).toMatchObject({ used: 1, reserved: 0 });
      expect(bench.app.get(OpenRuns).size).toBe(0);
    });
  },
);

/** The chunks and the end of a call are those of its user's answer. */
function expectOwnAnswer(events: readonly CallbackEvent[], { user, way }: Asked): void {
  const calls = events.filter(({ type }) => type.startsWith('llm.'));
  const pieces = calls.flatMap((event) =>
    event.type === 'llm.chunk' && event.chunk.type === 'text' ? [event.chunk.text] : [],
  );
  expect(pieces).toEqual(way.streamed ? echoOf(user) : []);
  expect(calls.map(({ type }) => type)).toEqual([
    'llm.start',
    ...pieces.map(() => 'llm.chunk'),
    'llm.end',
  ]);
  expect(calls.at(-1)).toMatchObject({
    text: echoOf(user).join(''),
    usage: usageOf(user),
    observed: true,
  });
}
