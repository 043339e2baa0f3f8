import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  InterceptAgent,
  MemoryLimitStore,
  OnAgentStart,
  PendingRunError,
  type AgentNext,
  type InterceptedAgentCall,
  type LimitStore,
  type PendingRun,
} from 'nestjs-llm-callbacks';
import { closeApps } from '../support/app.js';
import { describeStores } from '../support/limit-stores.js';
import { asks, KEY, NO, startDesk, stored, YES } from './desk.js';

afterEach(async () => {
  jest.restoreAllMocks();
  await closeApps();
});

const REPLAYED = { code: 'pending_run', reason: 'replayed' };
const BOTH = [asks('r1', 'r2'), 'Done.', 'Done.', 'Done.', 'Done.'];

describe('A call that waited for approval', () => {
  it.each([YES, NO])('cannot be decided again after %j', async (decision) => {
    const { agent, paid, recording } = await startDesk();
    const pending = stored((await agent.run('Refund')).pending);
    await agent.resume(pending, { r1: decision });
    const paidBefore = [...paid];
    recording.events.length = 0;

    await expect(agent.resume(pending, { r1: YES })).rejects.toMatchObject(REPLAYED);
    await expect(agent.resume(pending, { r1: NO })).rejects.toBeInstanceOf(PendingRunError);
    expect(paid).toEqual(paidBefore);
    expect(recording.events).toEqual([]);
  });

  it('cannot be decided again by the previous pending run, nor by the next one', async () => {
    const { agent, paid } = await startDesk({ key: KEY }, BOTH);
    const first = stored((await agent.run('Refund')).pending);
    const second = stored((await agent.resume(first, { r1: YES })).pending);

    await expect(agent.resume(first, { r1: YES })).rejects.toMatchObject(REPLAYED);
    await expect(agent.resume(first, { r2: YES, r1: YES })).rejects.toMatchObject(REPLAYED);
    expect((await agent.resume(second, { r2: YES })).output).toBe('Done.');
    await expect(agent.resume(first, { r2: YES })).rejects.toMatchObject(REPLAYED);
    await expect(agent.resume(second, { r2: YES })).rejects.toMatchObject(REPLAYED);
    expect(paid).toEqual(['r1', 'r2']);
  });

  it('can be decided by a pending run whose other call was decided; the other call does not run again', async () => {
    const { agent, paid } = await startDesk(undefined, BOTH);
    const first = stored((await agent.run('Refund')).pending);
    await agent.resume(first, { r1: YES });

    const { messages, output } = await agent.resume(first, { r2: YES });

    expect(paid).toEqual(['r1', 'r2']);
    expect(output).toBe('Done.');
    expect(messages.find(({ toolCallId }) => toolCallId === 'r1')!.content).toContain(
      'decided in another run',
    );
  });

  it('can be decided again as long as it only waited', async () => {
    const { agent, paid } = await startDesk(undefined, BOTH);
    const pending = stored((await agent.run('Refund')).pending);
    await agent.resume(pending, {});
    await agent.resume(pending, {});

    await agent.resume(pending, { r1: YES, r2: YES });

    expect(paid).toEqual(['r1', 'r2']);
  });

  it('can be decided again when the run failed before the call', async () => {
    let isClosed = false;
    class Gate {
      @OnAgentStart({ critical: true })
      check() {
        if (isClosed) throw new Error('closed');
      }
    }
    const { agent, paid } = await startDesk(undefined, undefined, { callbacks: [new Gate()] });
    const pending = stored((await agent.run('Refund')).pending);
    isClosed = true;
    await expect(agent.resume(pending, { r1: YES })).rejects.toThrow('closed');
    isClosed = false;

    await agent.resume(pending, { r1: YES });

    expect(paid).toEqual(['r1']);
  });

  it('cannot be decided again when the run failed after the call', async () => {
    const { agent, paid } = await startDesk(undefined, [asks('r1'), new Error('down')]);
    const pending = stored((await agent.run('Refund')).pending);
    await expect(agent.resume(pending, { r1: YES })).rejects.toMatchObject({
      code: 'server_error',
    });

    await expect(agent.resume(pending, { r1: YES })).rejects.toMatchObject(REPLAYED);
    expect(paid).toEqual(['r1']);
  });

  it('runs or is denied once when approve answers for it', async () => {
    const { agent, paid } = await startDesk();
    const pending = stored((await agent.run('Refund')).pending);
    await agent.resume(pending, {}, { approve: () => YES });

    await expect(agent.resume(pending, { r1: YES })).rejects.toMatchObject(REPLAYED);
    await expect(agent.resume(pending, {}, { approve: () => YES })).resolves.toBeDefined();
    expect(paid).toEqual(['r1']);
  });

  it('runs once when an interceptor restarts the resumed run', async () => {
    class Again {
      @InterceptAgent()
      async twice(_call: InterceptedAgentCall, next: AgentNext) {
        await next();
        return next();
      }
    }
    const { agent, paid } = await startDesk();
    const pending = stored((await agent.run('Refund')).pending);

    const resuming = agent.resume(pending, { r1: YES }, { callbacks: [new Again()] });

    await expect(resuming).rejects.toMatchObject(REPLAYED);
    expect(paid).toEqual(['r1']);
  });

  it('of version 1 runs once, too', async () => {
    const { agent, paid } = await startDesk(undefined, BOTH);
    const { context: _c, createdAt: _t, turn, ...rest } = stored((await agent.run('x')).pending);
    const old = { ...rest, v: 1 as const, turn: { ...turn, id: undefined } };
    const second = await agent.resume(old, { r1: YES });

    await expect(agent.resume(old, { r1: YES })).rejects.toMatchObject(REPLAYED);
    await agent.resume(second.pending!, { r2: YES });
    await expect(agent.resume(old, { r2: YES })).rejects.toMatchObject(REPLAYED);
    expect(paid).toEqual(['r1', 'r2']);
  });

  it('is a different call in another run with the same goal', async () => {
    const { agent, paid } = await startDesk(undefined, [asks('r1'), 'Done.', asks('r1'), 'Done.']);
    for (let i = 0; i < 2; i++) {
      const pending = stored((await agent.run('Refund')).pending);
      await agent.resume(pending, { r1: YES });
    }

    expect(paid).toEqual(['r1', 'r1']);
  });

  it('is unknown to another application in the process, unless they share a store', async () => {
    const store = new MemoryLimitStore();
    const one = await startDesk({ key: KEY, store }, BOTH);
    const pending = stored((await one.agent.run('Refund')).pending);
    await one.agent.resume(pending, { r1: YES });

    const other = await startDesk({ key: KEY }, ['Done.']);
    await other.agent.resume(pending, { r1: YES });
    const sharing = await startDesk({ key: KEY, store }, ['Done.']);
    await expect(sharing.agent.resume(pending, { r1: YES })).rejects.toMatchObject(REPLAYED);

    expect([one.paid, other.paid, sharing.paid]).toEqual([['r1'], ['r1'], []]);
  });
});

describeStores('Two replicas', (newStore) => {
  const approvals = (store: LimitStore) => ({ key: KEY, store });

  async function startReplicas(count: number, answers = BOTH) {
    const store = newStore();
    const replicas = await Promise.all(
      Array.from({ length: count }, () => startDesk(approvals(store), answers)),
    );
    const pending = stored((await replicas[0]!.agent.run('Refund')).pending);
    return { replicas, pending, paid: () => replicas.flatMap((replica) => replica.paid) };
  }

  it('that resume concurrently: exactly one runs the call', async () => {
    const { replicas, pending, paid } = await startReplicas(4);

    const outcomes = await Promise.allSettled(
      [...replicas, ...replicas].map(({ agent }) => agent.resume(pending, { r1: YES, r2: YES })),
    );

    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused.map(({ reason }) => reason as unknown)).toMatchObject(
      Array.from({ length: outcomes.length - 1 }, () => REPLAYED),
    );
    expect(paid()).toEqual(['r1', 'r2']);
  });

  it('that decide different calls concurrently run each once', async () => {
    const { replicas, pending, paid } = await startReplicas(2);

    await Promise.all([
      replicas[0]!.agent.resume(pending, { r1: YES }),
      replicas[1]!.agent.resume(pending, { r2: YES }),
    ]);

    expect(paid().toSorted()).toEqual(['r1', 'r2']);
  });

  it('in sequence: the second one does not run the call', async () => {
    const { replicas, pending, paid } = await startReplicas(2);
    await replicas[0]!.agent.resume(pending, { r1: NO });

    const again = replicas[1]!.agent.resume(pending, { r1: YES, r2: YES });

    await expect(again).rejects.toMatchObject(REPLAYED);
    expect(paid()).toEqual([]);
    // The calls that it did not run are free again.
    await replicas[1]!.agent.resume(pending, { r2: YES });
    expect(paid()).toEqual(['r2']);
  });
});

describe('An approval store', () => {
  class Away extends MemoryLimitStore {
    fails: keyof LimitStore | undefined;
    override async reserve(...given: Parameters<LimitStore['reserve']>) {
      if (this.fails === 'reserve') throw new Error('ECONNREFUSED 10.0.0.7');
      return super.reserve(...given);
    }
    override async settle(...given: Parameters<LimitStore['settle']>) {
      if (this.fails === 'settle') throw new Error('ECONNREFUSED 10.0.0.7');
      return super.settle(...given);
    }
  }

  it.each(['reserve', 'settle'] as const)(
    'that is unavailable at %s runs no call, and reports that a retry may succeed',
    async (fails) => {
      const store = new Away();
      const { agent, paid } = await startDesk({ key: KEY, store });
      const pending: PendingRun = stored((await agent.run('Refund')).pending);
      store.fails = fails;

      const error: unknown = await agent.resume(pending, { r1: YES }).catch((one: unknown) => one);

      expect(error).toMatchObject({ retryable: true });
      expect((error as Error).message).not.toContain('10.0.0.7');
      expect(paid).toEqual([]);
    },
  );

  it('is called again before a call that waited long for its turn, and no other run takes it meanwhile', async () => {
    const clock = { now: Date.now() };
    const store = new MemoryLimitStore({ now: () => clock.now });
    const ticks = jest.spyOn(performance, 'now');
    const { agent, paid } = await startDesk({ key: KEY, store }, BOTH);
    const pending = stored((await agent.run('Refund')).pending);
    const later = performance.now() + 120_000;
    class Slow {
      @OnAgentStart()
      async wait() {
        clock.now += 120_000;
        // Another run takes the call, whose claim has expired.
        const other = await startDesk({ key: KEY, store }, ['Done.']);
        await other.agent.resume(pending, { r1: YES });
        expect(other.paid).toEqual(['r1']);
        ticks.mockReturnValue(later);
      }
    }

    const resuming = agent.resume(pending, { r1: YES }, { callbacks: [new Slow()] });

    await expect(resuming).rejects.toMatchObject(REPLAYED);
    expect(paid).toEqual([]);
  });
});
