import { afterEach, describe, expect, it } from '@jest/globals';
import {
  AgentService,
  CallbacksService,
  defineTool,
  LlmService,
  type LlmStartEvent,
} from 'nestjs-llm-callbacks';
import { closeApps } from '../support/app.js';
import { expectRunsThatEndedOnce } from '../support/wire/runs.js';
import { readOne } from '../support/wire/calls.js';
import { bootCase, closeServers, type BootedCase } from './boot-case.js';
import { DIVISIONS, type Division } from './pieces.js';
import { readPrograms, type WireCase } from './read-case.js';
import { requestViolations } from './check-requests.js';
import { settle } from './test-cases.js';

/** Expects what holds in every case: valid requests, and runs with one start and one end. */
async function expectOrder(booted: BootedCase): Promise<void> {
  await settle(booted);
  expect(requestViolations(booted)).toEqual([]);
  expectRunsThatEndedOnce(booted.events);
}

describe('Recorded provider answers in programs', () => {
  let booted: BootedCase;

  async function boot(given: WireCase, division: Division = 'whole'): Promise<void> {
    booted = await bootCase(given, division);
  }

  afterEach(async () => {
    await expectOrder(booted);
    await closeApps();
    await closeServers(booted);
  });

  describe('agent/left-transcript', () => {
    /** Ends only when it is aborted. */
    const slow = defineTool({
      name: 'slow',
      description: 'Takes long.',
      execute: (_args, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        }),
    });

    it.each(
      readPrograms('left-agent').flatMap((given) =>
        DIVISIONS.map((division) => ({ ...given, division })),
      ),
    )(
      'leaves messages for the next run when a consumer stops while a tool runs: $name, $division',
      async ({ division, ...given }) => {
        await boot(given, division);
        const agent = booted.app.get(AgentService).create({ tools: [slow] });
        const stream = agent.stream('Look after the trays.');
        for await (const { type } of stream) if (type === 'tool.start') break;
        const { finishReason, messages } = await stream.result;
        expect(finishReason).toBe('cancelled');
        const calls = messages.flatMap(({ toolCalls = [] }) => toolCalls.map(({ id }) => id));
        const answers = messages.flatMap(({ role, toolCallId }) =>
          role === 'tool' ? [toolCallId] : [],
        );
        expect(answers).toEqual(calls);
        expect((await agent.run('Go on.', { messages })).output).toBe('Fine.');
      },
    );
  });

  describe('context/async-generator', () => {
    const [given] = readPrograms('run-generator');

    it('runs the body of an async generator in its context, and the consumer’s code outside of it', async () => {
      await boot(given!);
      const llm = booted.app.get(LlmService);
      const items: number[] = [];
      const numbers = booted.app
        .get(CallbacksService)
        .run({ userId: 'u-1', tags: ['green'] }, async function* () {
          yield 1;
          await llm.generate('Inside');
          yield 2;
        });
      for await (const item of numbers) {
        items.push(item);
        await llm.generate('Outside');
      }
      expect(items).toEqual([1, 2]);
      const starts = booted.events.filter(
        (event): event is LlmStartEvent => event.type === 'llm.start',
      );
      const seen = starts.map(({ prompt, userId, tags }) => ({
        prompt,
        userId,
        tags,
      }));
      expect(seen).toEqual([
        { prompt: 'Outside', userId: undefined, tags: [] },
        { prompt: 'Inside', userId: 'u-1', tags: ['green'] },
        { prompt: 'Outside', userId: undefined, tags: [] },
      ]);
    });

    it('runs code that ends a generator in its context, too', async () => {
      await boot(given!);
      const llm = booted.app.get(LlmService);
      const numbers = booted.app.get(CallbacksService).run({ userId: 'u-2' }, async function* () {
        try {
          yield 1;
          yield 2;
        } finally {
          await llm.generate('Tidy up');
        }
      });
      expect(await readOne(numbers)).toBe(1);
      const start = booted.events.find((event) => event.type === 'llm.start');
      expect(start?.userId).toBe('u-2');
    });
  });
});
