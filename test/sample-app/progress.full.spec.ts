import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { Progress } from '../../sample-app/progress/progress.js';
import { ADA, Desk } from './open-desk.js';

const GRACE = { 'x-user-id': 'grace' };
/** The answer of the last turn, for the tickets in these tests. */
const isAnswered = (updates: Progress[]) =>
  updates.filter(({ kind, status }) => kind === 'turn' && status === 'done').length === 2;

describe("A ticket's progress", () => {
  let desk: Desk;
  let id: string;

  beforeEach(async () => {
    desk = await Desk.open();
    id = randomUUID();
  });

  afterEach(() => desk.close());

  it('is sent while the agent works: each search, turn and tool, from its start to its end', async () => {
    const follower = await follow(ADA);
    await ask('Where is my order 1042?', ADA);
    const updates = await follower.until(isAnswered);

    expect(updates.map(({ kind, title, status }) => `${kind} ${title} ${status}`)).toEqual([
      'retrieval help texts running',
      'retrieval help texts done',
      'turn gpt-5-mini running',
      'turn gpt-5-mini done',
      'tool findOrder running',
      'tool trackParcel running',
      'tool findOrder done',
      'tool trackParcel done',
      'turn gpt-5-mini running',
      'turn gpt-5-mini done',
    ]);
    expect(updates.filter(({ status }) => status === 'done').map(({ detail }) => detail)).toEqual([
      'Delivery',
      undefined,
      'id: 1042, item: alarm clock, total: 39.9, refunded: 0',
      'orderId: 1042, whereabouts: is on its way and arrives on Friday',
      undefined,
    ]);
    expect(updates.at(-1)).toMatchObject({
      durationMs: expect.any(Number),
      tokens: expect.any(Number),
      cost: expect.any(Number),
    });
  });

  it('shows a waiting call, and continues with the same call after the decision', async () => {
    const follower = await follow(ADA);
    const { approvalId } = (await (await ask('I want a refund for order 1043.', ADA)).json()) as {
      approvalId: string;
    };
    const before = await follower.until((updates) => updates.at(-1)?.status === 'waiting');
    await desk.post(`/approvals/${approvalId}`, { approve: true }, { ...ADA, 'x-request-id': id });
    const after = await follower.until((updates) => updates.at(-1)?.status === 'done');

    expect(after.at(-1)).toMatchObject({ kind: 'tool', title: 'refund', id: before.at(-1)!.id });
  });

  it('shows that a call was denied, with the reason', async () => {
    const follower = await follow(ADA);
    const approvalId = await askForRefund();
    const decision = { approve: false, reason: 'Too late' };
    await desk.post(`/approvals/${approvalId}`, decision, { ...ADA, 'x-request-id': id });
    const updates = await follower.until((soFar) => soFar.at(-1)?.status === 'denied');

    expect(updates.at(-1)).toMatchObject({
      title: 'refund',
      detail: 'The call was denied: Too late',
    });
  });

  it('shows why a tool failed', async () => {
    const follower = await follow(ADA);
    await ask('Where is my order 9999?', ADA);
    const updates = await follower.until(isAnswered);

    expect(updates.filter(({ status }) => status === 'failed').map(({ detail }) => detail)).toEqual(
      [
        'The tool "findOrder" failed: There is no order 9999.',
        'The tool "trackParcel" failed: There is no order 9999.',
      ],
    );
  });

  it('is sent only to its user', async () => {
    const [ada, grace] = [await follow(ADA), await follow(GRACE)];
    await ask('Where is my order 1042?', ADA);
    const hers = await ada.until(isAnswered);
    await ask('Where is my order 1042?', GRACE);
    const [first] = await grace.until((updates) => updates.length > 0);

    expect(first).toMatchObject({ kind: 'retrieval', status: 'running' });
    expect(hers.map((updates) => updates.id)).not.toContain(first!.id);
  });

  it.each([
    ['403 to nobody', 403, randomUUID(), {}],
    ['400 for an id that could be guessed', 400, '1', ADA],
  ])('is %s', async (_what, status, requestId, headers) => {
    const response = await desk.fetch(`/progress/${requestId}`, headers);

    expect(response.status).toBe(status);
  });

  function ask(question: string, user: Record<string, string>): Promise<Response> {
    return desk.post('/tickets', { question }, { ...user, 'x-request-id': id });
  }

  /** @returns the calls that a colleague has to decide about */
  async function askForRefund(): Promise<string> {
    const response = await ask('I want a refund for order 1043.', ADA);
    return ((await response.json()) as { approvalId: string }).approvalId;
  }

  /** Resolves when the subscription is active. */
  async function follow(user: Record<string, string>) {
    const { body } = await desk.fetch(`/progress/${id}`, user);
    const messages = body!
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream())
      .getReader();
    expect((await messages.read()).value).toMatchObject({ event: 'listening', data: id });
    return {
      /** The received progress, up to the given condition. */
      async until(isEnough: (updates: Progress[]) => boolean): Promise<Progress[]> {
        const updates: Progress[] = [];
        while (!isEnough(updates)) {
          const { value } = await messages.read();
          updates.push(JSON.parse(value!.data) as Progress);
        }
        return updates;
      },
    };
  }
});
