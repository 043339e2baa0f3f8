import { afterEach, describe, expect, it } from '@jest/globals';
import { PendingRunError, type PendingRun } from 'nestjs-llm-callbacks';
import { closeApps } from '../support/app.js';
import { asks, KEY, NO, startDesk, stored, YES } from './desk.js';

afterEach(closeApps);

/** Changes to a pending run with two waiting calls, r1 and r2, and one that is settled. */
const CHANGES: Record<string, (pending: PendingRun) => unknown> = {
  'nothing at all': () => undefined,
  null: () => null,
  'a text': () => 'pending',
  'a list': () => [],
  'a function': () => () => undefined,
  'a version that is a text': (p) => ({ ...p, v: '2' }),
  'a version that is an object': (p) => ({ ...p, v: { toString: () => '2' } }),
  'a version to come': (p) => ({ ...p, v: 3 }),
  'no context': ({ context: _context, ...p }) => p,
  'a context that is a text': (p) => ({ ...p, context: 'ann' }),
  'a user that is an object': (p) => ({ ...p, context: { userId: { admin: true } } }),
  'a user that is a list': (p) => ({ ...p, context: { userId: ['ann'] } }),
  'a time that is a text': (p) => ({ ...p, createdAt: 'now' }),
  'no turn': ({ turn: _turn, ...p }) => p,
  'a turn without an id': (p) => ({ ...p, turn: { ...p.turn, id: undefined } }),
  'an id of 1 MB': (p) => ({ ...p, turn: { ...p.turn, id: 'x'.repeat(1_000_000) } }),
  'results that are no list': (p) => ({ ...p, turn: { ...p.turn, settled: {} } }),
  'a result that is null': (p) => ({ ...p, turn: { ...p.turn, settled: [null] } }),
  'a result of a call that there is not': (p) => ({
    ...p,
    turn: {
      ...p.turn,
      settled: [...p.turn.settled, { toolCallId: 'x', toolName: 'look', content: 'seen' }],
    },
  }),
  'two results of one call': (p) => ({
    ...p,
    turn: { ...p.turn, settled: [...p.turn.settled, ...p.turn.settled] },
  }),
  'a result of a call that waits': (p) => ({
    ...p,
    turn: {
      ...p.turn,
      settled: [...p.turn.settled, { toolCallId: 'r1', toolName: 'refund', content: 'paid' }],
    },
  }),
  'a result less than it had': (p) => ({ ...p, turn: { ...p.turn, settled: [] } }),
  'a usage of text': (p) => ({ ...p, usage: { ...p.usage, inputTokens: '7' } }),
  'a usage below 0': (p) => ({ ...p, usage: { ...p.usage, totalTokens: -7 } }),
  'a cost below 0': (p) => ({ ...p, cost: -1_000 }),
  'a cost that is a text': (p) => ({ ...p, cost: 'much' }),
  'no steps': (p) => ({ ...p, steps: undefined }),
  'steps of null': (p) => ({ ...p, steps: [null] }),
  'an empty goal': (p) => ({ ...p, goal: '' }),
  'a goal that is an object': (p) => ({ ...p, goal: {} }),
  'no messages': (p) => ({ ...p, messages: [] }),
  'messages of null': (p) => ({ ...p, messages: [null, ...p.messages] }),
  'a message of nobody': (p) => ({ ...p, messages: [{ role: 'root', content: '' }] }),
  'a message without content': (p) => ({ ...p, messages: [{ role: 'user' }, ...p.messages] }),
  'parts of a message that are null': (p) => ({
    ...p,
    messages: [{ role: 'user', content: [null] }, ...p.messages],
  }),
  'a last message of the user': (p) => ({
    ...p,
    messages: [...p.messages, { role: 'user', content: 'x' }],
  }),
  'calls that are no list': (p) => ({ ...p, toolCalls: { r1: {} } }),
  'a call without arguments': (p) => ({
    ...p,
    toolCalls: p.toolCalls.map(({ argsText: _argsText, ...call }) => call),
  }),
  'a call that waits twice': (p) => ({ ...p, toolCalls: [...p.toolCalls, p.toolCalls[0]] }),
  'a call less than waits': (p) => ({ ...p, toolCalls: p.toolCalls.slice(1) }),
  'a call that its last message has not': (p) => ({
    ...p,
    toolCalls: [...p.toolCalls, { id: 'r3', name: 'refund', args: {}, argsText: '{}' }],
  }),
  'a call with other arguments than are shown': (p) => ({
    ...p,
    toolCalls: p.toolCalls.map((call) => ({ ...call, args: { order: 'small' } })),
  }),
  'a call of another tool than is shown': (p) => ({
    ...p,
    toolCalls: p.toolCalls.map((call) => ({ ...call, name: 'look' })),
  }),
  'calls of one id in its last message': (p) => {
    const last = p.messages.at(-1)!;
    const toolCalls = [...last.toolCalls!, last.toolCalls![0]];
    return { ...p, messages: [...p.messages.slice(0, -1), { ...last, toolCalls }] };
  },
  itself: (p) => {
    const round = { ...p, more: undefined as unknown };
    round.more = round;
    return round;
  },
  'what is too deep': (p) => ({
    ...p,
    more: JSON.parse('['.repeat(5_000) + ']'.repeat(5_000)) as unknown,
  }),
  'a getter that throws': (p) =>
    Object.defineProperty({ ...p }, 'goal', {
      enumerable: true,
      get() {
        throw new Error('never');
      },
    }),
};

describe('A pending run', () => {
  it.each(Object.keys(CHANGES))('is not resumed from %s', async (name) => {
    const { agent, paid, recording } = await startDesk(undefined, [asks('r1', 'r2')]);
    const pending = stored((await agent.run('Refund')).pending);
    recording.events.length = 0;

    const resuming = agent.resume(CHANGES[name]!(pending) as PendingRun, { r1: YES, r2: NO });

    const error: unknown = await resuming.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PendingRunError);
    expect(error).toMatchObject({ reason: 'malformed', code: 'pending_run' });
    expect(paid).toEqual([]);
    expect(recording.events).toEqual([]);
  });

  it('is not resumed when it is too large, which is detected quickly', async () => {
    const { agent } = await startDesk(undefined, [asks('r1')]);
    const pending = stored((await agent.run('Refund')).pending);
    const many = Array.from({ length: 10_000_001 }, () => 0);

    await expect(agent.resume({ ...pending, many } as PendingRun, {})).rejects.toMatchObject({
      reason: 'malformed',
      message: expect.stringContaining('too large'),
    });
  });

  it('is read once: later changes have no effect', async () => {
    const { agent, paid } = await startDesk({ key: KEY });
    const pending = stored((await agent.run('Refund')).pending);
    let reads = 0;
    const shifty = Object.defineProperty({ ...pending }, 'messages', {
      enumerable: true,
      get: () => {
        const text = JSON.stringify(pending.messages);
        const read = reads++ < 2 ? text : text.replaceAll('"order":"r1"', '"order":"all"');
        return JSON.parse(read) as unknown;
      },
    });

    await agent.resume(shifty, { r1: YES });

    expect(paid).toEqual(['r1']);
  });

  it('pollutes no prototype with a key __proto__', async () => {
    const { agent, paid } = await startDesk(undefined, [asks('r1'), 'Done.']);
    const text = JSON.stringify((await agent.run('Refund')).pending);
    const hostile = text.replace('{"v"', '{"__proto__":{"polluted":true},"v"');

    await agent.resume(JSON.parse(hostile) as PendingRun, { r1: YES });

    expect('polluted' in {}).toBe(false);
    expect(paid).toEqual(['r1']);
  });

  it('whose tool no longer exists is answered with an error for the model', async () => {
    const { agent } = await startDesk(undefined, [asks('r1')]);
    const pending = stored((await agent.run('Refund')).pending);
    const other = await startDesk(undefined, ['Done.'], { agent: { tools: [] } });

    const { messages } = await other.agent.resume(pending, { r1: YES });

    expect(messages.at(-2)!.content).toBe('Error: There are no tools.');
  });

  it.each([{}, undefined, null])('stays pending when the decisions are %p', async (decisions) => {
    const { agent, paid } = await startDesk(undefined, [asks('r1')]);
    const pending = stored((await agent.run('Refund')).pending);

    const { pending: again } = await agent.resume(pending, decisions as never);

    expect(again!.toolCalls).toEqual(pending.toolCalls);
    expect(paid).toEqual([]);
  });
});
