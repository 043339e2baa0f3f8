import { afterEach, describe, expect, it } from '@jest/globals';
import { AgentService } from 'nestjs-llm-callbacks';
import { closeApps } from '../../support/app.js';
import { errorOf, readAll, readOne } from '../../support/wire/index.js';
import { ENDED, FAILED, macrotask, startWork } from '../../support/chains.js';

afterEach(closeApps);

async function start() {
  const app = await startWork();
  const ofChain = () => app.types().filter((type) => type.startsWith('chain'));
  return { ...app, agents: app.module.get(AgentService), ofChain };
}

describe('A chain that returns an AgentStream', () => {
  it('ends when the agent completes, with the agent’s result', async () => {
    const { callbacks, agents, recording, types } = await start();
    const stream = await callbacks.chain('ask', 0, () => agents.stream('Hi'));
    expect(types()).toEqual(['chain.start']);
    await readAll(stream);
    expect(types().slice(-2)).toEqual(['agent.end', 'chain.end']);
    expect(recording.of('chain.end')[0]!.result).toBe(await stream.result);
    expect(recording.tree()).toMatchObject([
      { kind: 'chain', children: [{ kind: 'agent', children: [{ kind: 'llm' }] }] },
    ]);
  });

  it('ends when its consumer stops reading', async () => {
    const { work, agents, types } = await start();
    await readOne(work.give(agents.stream('Hi')));
    expect(types().at(-1)).toBe('chain.end');
  });

  it('ends when the stream is disposed unread', async () => {
    const { work, agents, types } = await start();
    await work.give(agents.stream('Hi'))[Symbol.asyncDispose]();
    expect(types()).toEqual(ENDED);
  });

  it('fails when the stream is aborted unread', async () => {
    const { work, agents, types } = await start();
    work.give(agents.stream('Hi')).abort();
    await macrotask();
    expect(types()).toEqual(FAILED);
  });

  it('fails with the error in the agent’s options', async () => {
    const { work, agents, recording, ofChain } = await start();
    const error = await errorOf(readAll(work.give(agents.stream('', { maxSteps: -1 }))));
    expect(ofChain()).toEqual(FAILED);
    expect(recording.of('chain.error')[0]!.error).toBe(error);
  });

  it('passes the error of a critical end handler to its consumer', async () => {
    const { work, callbacks, agents } = await start();
    const refusal = new Error('no');
    callbacks.on('chain.end', async () => Promise.reject(refusal), { critical: true });
    const stream = work.give(agents.stream('Hi'));
    expect(await errorOf(readAll(stream))).toBe(refusal);
    expect(await errorOf(stream.result)).toBe(refusal);
  });
});
