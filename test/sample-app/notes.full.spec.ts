import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  BudgetExceededError,
  CallbacksService,
  type CallbackEvent,
  type CostSnapshot,
  type LlmEndEvent,
} from 'nestjs-llm-callbacks';
import type { UserLimits } from '../../sample-app/limits/desk-limits.js';
import { TicketNotes } from '../../sample-app/notes/ticket-notes.js';
import { errorOf } from '../support/wire/index.js';
import { ADA, Desk } from './open-desk.js';

const ADMIN = { 'x-user-id': 'admin' };
const QUESTION = 'Where is my order 1042?';
const SUMMARY = 'The customer asks when the order arrives.';

describe("The support desk's notes, by clients that are observed,", () => {
  let desk: Desk;
  let events: CallbackEvent[];

  beforeEach(async () => {
    desk = await Desk.open();
    events = desk.record();
  });

  afterEach(() => desk.close());

  it('are runs of a client of openai and of AI SDK, counted by the budget of their user', async () => {
    const response = await write();

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      summary: SUMMARY,
      subject: 'When your order arrives',
    });
    const ends = events.filter((event): event is LlmEndEvent => event.type === 'llm.end');
    expect(ends).toMatchObject(
      ['openai', 'fetch'].map((origin) => ({
        origin,
        observed: true,
        userId: 'ada',
        tags: ['notes'],
        model: 'gpt-5-mini',
      })),
    );
    const { budget, rate } = await limitsOf('ada');
    expect(budget.used).toBeCloseTo(ends[0]!.cost! + ends[1]!.cost!, 12);
    expect(rate.used).toBe(2);
    expect((await desk.get<CostSnapshot>('/costs')).requestCount).toBe(2);
    expect(await requests()).toHaveLength(2);
  });

  it.each<[string, string, (notes: TicketNotes) => Promise<string>]>([
    ['the client of openai', 'openai', (notes) => notes.sumUp(QUESTION)],
    ['AI SDK', 'fetch', (notes) => notes.suggestSubject(SUMMARY)],
  ])('refuse a call of %s when the budget is spent, and send nothing', async (_, origin, call) => {
    await spendAll();
    const notes = desk.app.get(TicketNotes);
    const callbacks = desk.app.get(CallbacksService);
    const error = await errorOf(callbacks.run({ userId: 'ada' }, () => call(notes)));

    expect(error).toBeInstanceOf(BudgetExceededError);
    expect(events.at(-1)).toMatchObject({ type: 'llm.error', origin });
    expect(await requests()).toHaveLength(2);
  });

  it('share their budget with the answers of the desk', async () => {
    await spendAll();
    const answers = [
      await write(),
      await desk.post('/tickets/answer', { question: QUESTION }, ADA),
    ];

    expect(answers.map(({ status }) => status)).toEqual([402, 402]);
    expect(await requests()).toHaveLength(2);
  });

  it('are not written for a request without a user, before a provider is called', async () => {
    expect((await write({})).status).toBe(403);
    expect(await requests()).toEqual([]);
  });

  function write(headers: Record<string, string> = ADA): Promise<Response> {
    return desk.post('/notes', { question: QUESTION }, headers);
  }

  /** Spends the whole budget of Ada, by two requests. */
  async function spendAll(): Promise<void> {
    await write();
    const { used: maxCost } = (await limitsOf('ada')).budget;
    await desk.send('PATCH', '/limits', { maxCost }, ADMIN);
  }

  async function limitsOf(user: string): Promise<UserLimits> {
    return (await (await desk.fetch(`/limits/${user}`, ADMIN)).json()) as UserLimits;
  }

  /** What has reached the mock that stands in for the models. */
  async function requests(): Promise<unknown[]> {
    const response = await fetch(new URL('/__aimock/journal', desk.models.openai.baseURL));
    return (await response.json()) as unknown[];
  }
});
