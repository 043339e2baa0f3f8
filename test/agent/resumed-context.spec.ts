import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type Provider } from '@nestjs/common';
import {
  AgentService,
  CallbacksService,
  CostLimiter,
  CostTracker,
  defineTool,
  OnToolEnd,
  OnToolError,
  OnToolStart,
  reviveEvent,
  type CallbackEvent,
  type CallbacksModuleOptions,
  type PendingRun,
  type RequestContext,
  type ToolEndEvent,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks, type FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../support/app.js';
import { MemoryJobQueue } from '../support/memory-job-queue.js';

afterEach(closeApps);

const ASKS: FakeAnswer = { toolCalls: [{ id: 'r1', name: 'refund' }] };
const YES = { r1: { approve: true, reason: 'fine' } };

async function start(
  more: CallbacksModuleOptions & { answers?: FakeAnswer[] } = {},
  providers: Provider[] = [],
) {
  const recording = new RecordingCallbacks();
  const contexts: RequestContext[] = [];
  const refund = defineTool({
    name: 'refund',
    description: 'Pays back.',
    needsApproval: true,
    execute: (_args, { context }) => void contexts.push(context),
  });
  const { callbacks = [], ...root } = more;
  const { module } = await startApp(
    { providers: [CostTracker, ...providers] },
    {
      answers: [ASKS, 'Done.', ASKS, 'Done.'],
      prices: { fake: { inputPerMillion: 1, outputPerMillion: 1 } },
      agent: { tools: [refund] },
      callbacks: [recording, ...callbacks],
      ...root,
    },
  );
  return {
    agent: module.get(AgentService),
    service: module.get(CallbacksService),
    costs: module.get(CostTracker),
    recording,
    contexts,
  };
}

/** A pending run of a user, as restored from a database. */
async function pausedBy(
  app: Awaited<ReturnType<typeof start>>,
  who: { userId?: string; tenantId?: string; conversationId?: string },
): Promise<PendingRun> {
  const { pending } = await app.agent.run('Refund 42', who);
  app.recording.events.length = 0;
  return JSON.parse(JSON.stringify(pending)) as PendingRun;
}

const BOSS = {
  userId: 'boss',
  tenantId: 'head office',
  tags: ['approved'],
  metadata: { floor: 3 },
};

describe('A resumed agent run', () => {
  it('acts for the original user, not for the one who resumes it: events, tools and costs', async () => {
    const app = await start();
    const ann = { userId: 'ann', tenantId: 'acme', conversationId: 'c1' };
    const pending = await pausedBy(app, ann);
    expect(pending.context).toEqual(ann);

    await app.service.run(BOSS, () => app.agent.resume(pending, YES, { approver: 'boss' }));

    const whom = app.recording.events.map(({ userId, tenantId }) => [userId, tenantId]);
    expect(new Set(whom.map(String))).toEqual(new Set(['ann,acme']));
    expect(app.contexts).toMatchObject([ann]);
    expect([...app.costs.byUser.keys()]).toEqual(['ann']);
  });

  it('acts for the original user, whatever the options of resume', async () => {
    const app = await start();
    const pending = await pausedBy(app, { userId: 'ann' });

    await app.agent.resume(pending, YES, BOSS);

    expect(app.contexts).toMatchObject([{ userId: 'ann', tenantId: undefined }]);
  });

  it('has no user if the original run had none, and never the approver', async () => {
    const app = await start();
    const pending = await pausedBy(app, {});
    expect(pending.context).toEqual({});

    await app.service.run(BOSS, () => app.agent.resume(pending, YES));

    expect(app.contexts).toMatchObject([{ userId: undefined, tenantId: undefined }]);
    expect([...app.costs.byUser.keys()]).toEqual(['anonymous']);
  });

  it('keeps the ids, tags and metadata of the request that resumes it', async () => {
    const app = await start();
    const pending = await pausedBy(app, { userId: 'ann' });

    await app.service.run(BOSS, () => app.agent.resume(pending, YES, { tags: ['late'] }));

    const [first, ...others] = app.recording.events;
    expect(first).toMatchObject({ tags: ['approved', 'late'], metadata: { floor: 3 } });
    expect(others.every(({ traceId }) => traceId === first!.traceId)).toBe(true);
  });

  it('counts towards the limit of the original user', async () => {
    const limiter = new CostLimiter({ maxCost: 1, per: 'user' });
    const app = await start({ callbacks: [limiter] });
    const pending = await pausedBy(app, { userId: 'ann' });
    const usedBy = async (user: string) => (await limiter.usage(user)).used;
    const before = await usedBy('ann');

    await app.service.run(BOSS, () => app.agent.resume(pending, YES));

    expect(await usedBy('ann')).toBeGreaterThan(before);
    expect(await usedBy('boss')).toBe(0);
  });

  it('acts for the original user after it was paused a second time', async () => {
    const twice: FakeAnswer = {
      toolCalls: [
        { id: 'r1', name: 'refund' },
        { id: 'r2', name: 'refund' },
      ],
    };
    const app = await start({ answers: [twice, 'Done.'] });
    const pending = await pausedBy(app, { userId: 'ann' });

    const second = await app.service.run(BOSS, () => app.agent.resume(pending, YES));
    expect(second.pending!.context).toEqual({ userId: 'ann' });
    await app.service.run(BOSS, () => app.agent.resume(second.pending!, { r2: { approve: true } }));

    expect(app.contexts.map(({ userId }) => userId)).toEqual(['ann', 'ann']);
  });

  it('of version 1 has the context of the resume call, because it stores none', async () => {
    const app = await start();
    const { context: _c, createdAt: _t, turn, ...rest } = await pausedBy(app, { userId: 'ann' });
    const { id: _id, ...oldTurn } = turn;

    await app.agent.resume({ ...rest, v: 1, turn: oldTurn }, YES, { userId: 'ann of the table' });

    expect(app.contexts).toMatchObject([{ userId: 'ann of the table' }]);
  });
});

describe('The approver of a tool call', () => {
  const approved = { status: 'approved', reason: 'fine', approver: 'boss' };

  it('is on the events of the call, and in their JSON', async () => {
    const app = await start();
    await app.agent.resume(await pausedBy(app, { userId: 'ann' }), YES, { approver: 'boss' });
    const no = { r1: { approve: false } };
    await app.agent.resume(await pausedBy(app, { userId: 'ann' }), no, { approver: 'eve' });

    const tools = app.recording.events.filter(
      (event): event is ToolEndEvent => 'toolName' in event,
    );
    const denied = { status: 'denied', approver: 'eve' };
    expect(tools.map(({ approval }) => approval)).toEqual([denied, denied]);
    expect(tools.map((event) => event.toJSON()['approval'])).toEqual([denied, denied]);
  });

  it('reaches durable handlers', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Audit {
      @OnToolEnd({ background: 'durable' })
      end({ approval, userId }: ToolEndEvent) {
        seen.push([approval, userId]);
      }
    }
    const queue = new MemoryJobQueue();
    const app = await start({ background: { queue } }, [Audit]);
    await app.agent.resume(await pausedBy(app, { userId: 'ann' }), YES, { approver: 'boss' });
    await app.service.flush();
    await queue.work();

    expect(seen.at(-1)).toEqual([approved, 'ann']);
  });

  it('is restored with a deserialized event', async () => {
    const app = await start();
    await app.agent.resume(await pausedBy(app, {}), YES, { approver: 'boss' });
    const [end] = app.recording.of('tool.end');

    const revived: CallbackEvent = reviveEvent(JSON.parse(JSON.stringify(end)));

    expect(revived).toMatchObject({ approval: approved });
  });

  it('is absent if none was given', async () => {
    const seen: unknown[] = [];
    class Audit {
      @OnToolStart()
      @OnToolEnd()
      @OnToolError()
      note({ approval }: Pick<ToolEndEvent, 'approval'>) {
        seen.push(approval);
      }
    }
    const app = await start({ callbacks: [new Audit()] });
    const pending = await pausedBy(app, {});
    seen.length = 0;
    await app.agent.resume(pending, YES);

    expect(seen).toEqual(Array.from({ length: 2 }, () => ({ status: 'approved', reason: 'fine' })));
  });

  it.each([7, '', {}])('must be a string, and not %p', async (approver) => {
    const app = await start();
    const pending = await pausedBy(app, {});

    const resuming = app.agent.resume(pending, YES, { approver: approver as string });

    await expect(resuming).rejects.toThrow('approver must be a text');
    expect(app.recording.events).toEqual([]);
  });
});
