import { describe, expect, it } from '@jest/globals';
import { NO_USAGE, type PendingRun } from 'nestjs-llm-callbacks';
import { WaitingTickets } from '../../sample-app/agent/waiting-tickets.js';

const RUN: PendingRun = {
  v: 2,
  runId: 'run',
  createdAt: 0,
  context: { userId: 'ada' },
  goal: 'Refund',
  toolCalls: [],
  messages: [],
  turn: { id: 'turn', settled: [], usage: NO_USAGE, cost: 0 },
  steps: [],
  usage: NO_USAGE,
  cost: 0,
};

describe('Tickets that wait', () => {
  it('come back as they were kept', () => {
    const tickets = new WaitingTickets();

    expect(tickets.take(tickets.keep(RUN))).toEqual(RUN);
  });

  it('are at most a hundred: the oldest is forgotten', () => {
    const tickets = new WaitingTickets();
    const ids = Array.from({ length: 101 }, () => tickets.keep(RUN));

    expect(() => tickets.take(ids[0]!)).toThrow('No ticket waits');
    expect(tickets.take(ids[1]!)).toEqual(RUN);
  });
});
