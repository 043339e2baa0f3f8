import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { CallbackEvent } from 'nestjs-llm-callbacks';
import { OrderBook } from '../../sample-app/agent/order-book.js';
import type { TicketOutcome } from '../../sample-app/agent/ticket-handler.js';
import { ADA, Desk } from './open-desk.js';

const JOAN = { 'x-user-id': 'joan' };
const DEAR_REFUND = 'I want a refund for order 1043.';

describe("The desk's agent", () => {
  let desk: Desk;

  beforeEach(async () => {
    desk = await Desk.open();
  });

  afterEach(() => desk.close());

  it('answers with the results of two concurrent tools', async () => {
    const events = desk.record();
    const response = await ask('Where is my order 1042?');

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      status: 'answered',
      answer: 'Your alarm clock (order 1042) is on its way and arrives on Friday.',
      turns: 2,
      tokens: expect.any(Number),
      cost: expect.any(Number),
    });
    expect(events.map(describeEvent)).toEqual([
      'chain.start handle ticket',
      'retrieval.start help texts',
      'retrieval.end help texts',
      'agent.start',
      'llm.start',
      'llm.end',
      'tool.start findOrder',
      'tool.start trackParcel',
      'tool.end findOrder',
      'tool.end trackParcel',
      'agent.step',
      'llm.start',
      'llm.end',
      'agent.step',
      'agent.end',
      'chain.end handle ticket',
    ]);
    expect(new Set(events.map(({ rootRunId }) => rootRunId)).size).toBe(1);
  });

  it('answers from the help texts when there is no order to look up', async () => {
    const { answer } = await answered(await ask('How long is the shop open on Saturday?'));

    expect(answer).toContain('from Monday to Saturday');
  });

  it('continues when its tools fail', async () => {
    const events = desk.record();
    const { answer } = await answered(await ask('Where is my order 9999?'));

    expect(answer).toContain('I cannot find order 9999.');
    expect(events.filter(({ type }) => type === 'tool.error')).toHaveLength(2);
  });

  it('refunds a small amount without approval', async () => {
    const { answer } = await answered(await ask('I want a refund for order 1044.'));

    expect(answer).toContain('We return $12.50');
    expect(await refunded('1044')).toBe(12.5);
  });

  it('waits for approval before a larger refund', async () => {
    const response = await ask(DEAR_REFUND);

    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({
      status: 'waiting',
      approvalId: expect.any(String),
      calls: [{ tool: 'refund', args: { orderId: '1043', amount: 129 } }],
    });
    expect(await refunded('1043')).toBe(0);
  });

  it('refunds after approval, and then answers', async () => {
    const id = await waiting();
    const response = await decide(id, { approve: true });

    expect(response.status).toBe(200);
    const { answer, turns } = await answered(response);
    expect([answer, turns]).toEqual([expect.stringContaining('We return $129.00'), 3]);
    expect(await refunded('1043')).toBe(129);
  });

  it('does not refund after a denial, and answers so', async () => {
    const id = await waiting();
    const events = desk.record();
    const { answer } = await answered(await decide(id, { approve: false, reason: 'Too late' }));

    expect(answer).toContain('we cannot refund order 1043');
    expect(await refunded('1043')).toBe(0);
    expect(events.find(({ type }) => type === 'tool.error')).toMatchObject({
      userId: 'ada',
      approval: { status: 'denied', reason: 'Too late', approver: 'joan' },
    });
  });

  it('accepts one decision about a ticket, and none about an unknown ticket', async () => {
    const id = await waiting();
    const answers = await Promise.all([
      decide(id, { approve: true }),
      decide(id, { approve: true }),
      decide('unknown', { approve: true }),
    ]);

    expect(answers.map(({ status }) => status)).toEqual([200, 404, 404]);
    expect(await refunded('1043')).toBe(129);
  });

  it('refunds once however often a call is made, and never more than was paid', () => {
    const orders = desk.app.get(OrderBook);

    expect(orders.refund('1043', 100, 'call').refunded).toBe(100);
    expect(orders.refund('1043', 100, 'call').refunded).toBe(100);
    expect(() => orders.refund('1043', 30, 'another call')).toThrow('only 29 dollars');
  });

  it.each([
    ['nothing', {}],
    ['a word', { approve: 'yes' }],
    ['a very long reason', { approve: true, reason: 'x'.repeat(501) }],
  ])('rejects %s as a decision; the ticket keeps waiting', async (_what, decision) => {
    const id = await waiting();

    expect((await decide(id, decision)).status).toBe(400);
    expect((await decide(id, { approve: false })).status).toBe(200);
  });

  it('calls no model or tool for anonymous users, and accepts no decision from them', async () => {
    const id = await waiting();
    const events = desk.record();

    expect((await desk.post('/tickets', { question: DEAR_REFUND })).status).toBe(403);
    expect((await desk.post(`/approvals/${id}`, { approve: true })).status).toBe(403);
    expect(events.filter(({ type }) => /^(llm|tool)\./.test(type))).toEqual([]);
    expect((await decide(id, { approve: true })).status).toBe(200);
  });

  function ask(question: string): Promise<Response> {
    return desk.post('/tickets', { question }, ADA);
  }

  function decide(id: string, decision: object): Promise<Response> {
    return desk.post(`/approvals/${id}`, decision, JOAN);
  }

  async function waiting(): Promise<string> {
    const outcome = (await (await ask(DEAR_REFUND)).json()) as TicketOutcome;
    if (outcome.status !== 'waiting') throw new Error('The ticket does not wait.');
    return outcome.approvalId;
  }

  async function answered(response: Response) {
    const outcome = (await response.json()) as TicketOutcome;
    if (outcome.status !== 'answered') throw new Error('The ticket is not answered.');
    return outcome;
  }

  async function refunded(orderId: string): Promise<number> {
    const { signal } = new AbortController();
    return (await desk.app.get(OrderBook).find(orderId, signal)).refunded;
  }
});

function describeEvent(event: CallbackEvent): string {
  if ('toolName' in event) return `${event.type} ${event.toolName}`;
  if ('chainName' in event) return `${event.type} ${event.chainName}`;
  return 'source' in event ? `${event.type} ${event.source}` : event.type;
}
