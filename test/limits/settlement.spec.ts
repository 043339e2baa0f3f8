import { afterEach, expect, it } from '@jest/globals';
import {
  CallbackAbort,
  CostLimiter,
  LlmService,
  OnLlmEnd,
  OnLlmStart,
  RateLimiter,
} from 'nestjs-llm-callbacks';
import { closeApps } from '../support/app.js';
import { describeStores } from '../support/limit-stores.js';
import { eventually, MeteredLlm, startLimited } from '../support/limited.js';

afterEach(closeApps);

type Ask = (llm: LlmService, provider: MeteredLlm) => Promise<unknown>;
/** The usage: dollars, requests, tokens. */
type Used = [usd: number, requests: number, tokens: number];

const NOTHING: Used = [0, 0, 0];
const options = { maxOutputTokens: 5 };

/** Every way in which a run can end, and its usage by then. */
const ENDS: [name: string, ask: Ask, used: Used][] = [
  ['an answer', asked((llm) => llm.generate('hi', options)), [0.3, 1, 3]],
  [
    'an error before the answer',
    async (llm, provider) => {
      const call = llm.generate('hi', options);
      await provider.asked(1);
      provider.requests[0]!.fail();
      await call;
    },
    [0, 1, 0],
  ],
  [
    'an abort before the answer',
    async (llm, provider) => {
      const leaving = new AbortController();
      const call = llm.generate('hi', { ...options, signal: leaving.signal });
      await provider.asked(1);
      leaving.abort();
      await call;
    },
    [0, 1, 0],
  ],
  [
    'an abort before the request',
    (llm) => llm.generate('hi', { ...options, signal: AbortSignal.abort() }),
    NOTHING,
  ],
  [
    'a timeout',
    untilAsked((llm, timeoutMs) => llm.generate('hi', { ...options, timeoutMs })),
    [0, 1, 0],
  ],
  ['a stream that was read', asked((llm) => read(llm, 99)), [0.3, 1, 3]],
  [
    'a stream for its response alone',
    asked((llm) => llm.stream('hi', options).response),
    [0.3, 1, 3],
  ],
  ['a stream that was left half read', asked((llm) => read(llm, 2)), [0.2, 1, 2]],
  [
    'a stream that was aborted half read',
    asked(async (llm) => {
      const stream = llm.stream('hi', options);
      for await (const _ of stream) stream.abort();
    }),
    [0.1, 1, 1],
  ],
  [
    'a stream that timed out before its first chunk',
    untilAsked((llm, timeoutMs) => read(llm, 99, { timeoutMs })),
    [0, 1, 0],
  ],
  [
    'a stream that failed before its first chunk',
    async (llm, provider) => {
      const reading = read(llm, 99);
      await provider.asked(1);
      provider.requests[0]!.fail();
      await reading;
    },
    [0, 1, 0],
  ],
  [
    'a stream that was never read',
    async (llm) => {
      await llm.stream('hi', options)[Symbol.asyncDispose]();
    },
    NOTHING,
  ],
];

function asked(ask: (llm: LlmService) => Promise<unknown>): Ask {
  return async (llm, provider) => {
    void provider.asked(1).then(() => provider.requests[0]!.answer(3));
    await ask(llm);
  };
}

/** Calls with longer and longer timeouts, until one times out only after the request was sent. */
function untilAsked(ask: (llm: LlmService, timeoutMs: number) => Promise<unknown>): Ask {
  return async (llm, { requests }) => {
    for (let timeoutMs = 20; requests.length === 0; timeoutMs *= 2)
      await ask(llm, timeoutMs).catch(() => undefined);
  };
}

/** Reads the given number of chunks of a stream. */
async function read(llm: LlmService, chunks: number, more = {}): Promise<void> {
  let count = 0;
  for await (const _ of llm.stream('hi', { ...options, ...more })) if (++count === chunks) break;
}

describeStores('Limiters', (newStore) => {
  function limiters() {
    const store = newStore();
    const cost = new CostLimiter({ maxCost: 100, store });
    const rate = new RateLimiter({ requestsPerMinute: 100, tokensPerMinute: 100_000, store });
    const uses = async () => {
      const { limits } = await rate.usage();
      return [await cost.usage(), ...limits];
    };
    return {
      callbacks: [cost, rate],
      used: async () => (await uses()).map(({ used }) => used),
      /** Settled means that no reservation remains. */
      settled: () => eventually(async () => (await uses()).every(({ reserved }) => reserved === 0)),
    };
  }

  it.each(ENDS)('settle the actual usage: %s', async (_, ask, used) => {
    const { callbacks, settled, ...limits } = limiters();
    const { llm, provider } = await startLimited(callbacks, 'by hand');

    await ask(llm, provider).catch(() => undefined);

    await settled();
    expect(await limits.used()).toEqual(used);
  });

  it('reserve nothing for a call that a handler rejected', async () => {
    class Gate {
      @OnLlmStart() refuse() {
        throw new CallbackAbort('closed');
      }
    }
    const { callbacks, used } = limiters();
    const { llm } = await startLimited([new Gate(), ...callbacks]);

    await expect(llm.generate('hi', options)).rejects.toThrow('closed');

    expect(await used()).toEqual(NOTHING);
  });

  it('settle an answer that an end handler rejects', async () => {
    class Review {
      @OnLlmEnd() refuse() {
        throw new CallbackAbort('rude');
      }
    }
    const { callbacks, used } = limiters();
    const { llm } = await startLimited([new Review(), ...callbacks], 3);

    await expect(llm.generate('hi', options)).rejects.toThrow('rude');

    expect(await used()).toEqual([0.3, 1, 3]);
  });

  it('settle calls that are aborted by a shutdown', async () => {
    const { callbacks, used, settled } = limiters();
    const { llm, provider, module } = await startLimited(callbacks, 'by hand', {
      background: { drainMs: 0 },
    });
    const call = llm.generate('hi', options);
    call.catch(() => undefined);
    await provider.asked(1);

    await module.close();

    await expect(call).rejects.toMatchObject({ name: 'AbortError' });
    await settled();
    expect(await used()).toEqual([0, 1, 0]);
  });
});
