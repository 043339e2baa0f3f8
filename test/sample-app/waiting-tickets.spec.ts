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

describe('Waiting tickets', () => {
  it('are restored as they were stored', () => {
    const tickets = new WaitingTickets();

    expect(tickets.take(tickets.keep(RUN))).toEqual(RUN);
  });

  it('are at most a hundred: the oldest is removed', () => {
    const tickets = new WaitingTickets();
    const ids = Array.from({ length: 101 }, () => tickets.keep(RUN));

    expect(() => tickets.take(ids[0]!)).toThrow('No ticket waits');
    expect(tickets.take(ids[1]!)).toEqual(RUN);
  });
});
