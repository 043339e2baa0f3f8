import {
  AgentService,
  defineTool,
  type AgentOptions,
  type ApprovalOptions,
  type CallbacksModuleOptions,
  type PendingRun,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks, type FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { z } from 'zod';
import { startApp } from '../support/app.js';

/** 32 bytes, for this test only. */
export const KEY = 'k'.repeat(32);

/** A turn with a call of a tool that answers, and some that wait for approval, with the given ids. */
export function asks(...ids: string[]): FakeAnswer {
  return {
    text: 'Let me see.',
    toolCalls: [
      { id: 'l1', name: 'look' },
      ...ids.map((id) => ({ id, name: 'refund', args: { order: id, cents: 4_200 } })),
    ],
  };
}

/** An application whose agent makes approved refunds; it records them by order. */
export async function startDesk(
  approvals?: ApprovalOptions,
  answers: FakeAnswer[] = [asks('r1'), 'Done.', 'Done.'],
  { agent, ...root }: CallbacksModuleOptions & { agent?: AgentOptions } = {},
) {
  const paid: string[] = [];
  const recording = new RecordingCallbacks();
  const look = defineTool({ name: 'look', description: 'Looks.', execute: () => ({ z: 1, a: 2 }) });
  const refund = defineTool({
    name: 'refund',
    description: 'Pays back.',
    parameters: z.object({ order: z.string(), cents: z.number() }),
    needsApproval: true,
    execute: ({ order }) => {
      paid.push(order);
      return `paid ${order}`;
    },
  });
  const { module } = await startApp(
    {},
    {
      answers,
      agent: { tools: [look, refund], ...agent },
      callbacks: [recording],
      ...(approvals && { approvals }),
      ...root,
    },
  );
  return { agent: module.get(AgentService), module, paid, recording };
}

/** The value as a store returns it. */
export function stored(pending: PendingRun | undefined): PendingRun {
  return JSON.parse(JSON.stringify(pending)) as PendingRun;
}

export const YES = { approve: true };
export const NO = { approve: false };
