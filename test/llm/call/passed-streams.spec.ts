import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  CallbackAbort,
  InterceptLlm,
  LlmAbortedError,
  LlmStream,
  type InterceptedLlmCall,
  type LlmNext,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { ContextStore } from '../../../src/runs/run-context.js';
import { closeApps, startApp } from '../../support/app.js';

afterEach(closeApps);

type Around = (call: InterceptedLlmCall, next: LlmNext) => unknown;

/** An interceptor that may look at the stream of `next`. */
function around(intercept: Around): object {
  class Watch {
    @InterceptLlm() async watch(call: InterceptedLlmCall, next: LlmNext) {
      return intercept(call, next) as Promise<LlmStream>;
    }
  }
  return new Watch();
}

const unchanged = () => around((_call, next) => next());

async function start(callbacks: object[], answer = 'one two three') {
  const recording = new RecordingCallbacks();
  const app = await startApp(
    {},
    { answers: [answer, answer], callbacks: [...callbacks, recording] },
  );
  return { ...app, recording };
}

describe('A stream that interceptors return unchanged', () => {
  it('enters no async context for a chunk, however many interceptors there are', async () => {
    const entered: number[] = [];
    for (const words of [10, 200]) {
      const answer = Array.from({ length: words }, (_, i) => `w${i}`).join(' ');
      const { module, llm } = await start([unchanged(), unchanged()], answer);
      const enter = jest.spyOn(module.get(ContextStore), 'enter');
      const { text } = await llm.stream('Hi').response;
      expect(text).toBe(answer);
      entered.push(enter.mock.calls.filter(([frame]) => frame.run !== undefined).length);
      jest.restoreAllMocks();
    }
    expect(entered[1]).toBe(entered[0]);
  });

  it('hands the same chunk objects on, and its response is known to each interceptor', async () => {
    const inner: (LlmStream | undefined)[] = [];
    const keep = () =>
      around((_call, next) => {
        const stream = next() as LlmStream;
        inner.push(stream);
        return stream;
      });
    const { llm, recording } = await start([keep(), keep()]);

    const chunks = [];
    const stream = llm.stream('Hi');
    for await (const chunk of stream) chunks.push(chunk);

    expect(recording.of('llm.chunk').map(({ chunk }) => chunk)).toEqual(chunks);
    const { text } = await stream.response;
    expect(text).toBe('one two three');
    for (const one of inner) {
      expect((await one!.response).text).toBe(text);
      expect(() => one![Symbol.asyncIterator]()).toThrow('has a reader already');
    }
  });

  it('calls onComplete of the innermost stream first, all before the end event', async () => {
    const order: string[] = [];
    const watch = (name: string) =>
      around((_call, next) => {
        const stream = next() as LlmStream;
        stream.onComplete(async (outcome) => {
          await Promise.resolve();
          order.push(`${name} ${'result' in outcome ? outcome.result?.finishReason : 'failed'}`);
        });
        return stream;
      });
    const { llm } = await start([
      watch('outer'),
      watch('inner'),
      { onLlmEnd: () => void order.push('llm.end') },
    ]);

    await llm.stream('Hi').response;

    expect(order).toEqual(['inner stop', 'outer stop', 'llm.end']);
  });

  it('fails with the error of an onComplete', async () => {
    const refusal = new CallbackAbort('over budget');
    const { llm, recording } = await start([
      around((_call, next) => {
        const stream = next() as LlmStream;
        stream.onComplete(() => {
          throw refusal;
        });
        return stream;
      }),
    ]);

    await expect(llm.stream('Hi').response).rejects.toBe(refusal);
    expect(recording.of('llm.error')).toMatchObject([{ error: refusal }]);
  });

  it('ends as cancelled for every interceptor when its consumer leaves', async () => {
    const outcomes: unknown[] = [];
    const watch = () =>
      around((_call, next) => {
        const stream = next() as LlmStream;
        stream.onComplete((outcome) => void outcomes.push(outcome));
        return stream;
      });
    const { llm, recording } = await start([watch(), watch()]);

    for await (const chunk of llm.stream('Hi')) if (chunk.type === 'text') break;

    const cancelled = { result: { finishReason: 'cancelled', text: 'one' } };
    expect(outcomes).toMatchObject([cancelled, cancelled]);
    expect(recording.of('llm.end')).toMatchObject([{ finishReason: 'cancelled' }]);
  });

  it('fails when an interceptor aborts it later', async () => {
    let inner: LlmStream | undefined;
    const { llm } = await start([
      around((_call, next) => (inner = next() as LlmStream)),
      unchanged(),
    ]);

    const read = async () => {
      for await (const chunk of llm.stream('Hi')) if (chunk.type === 'text') inner!.abort('enough');
    };

    await expect(read()).rejects.toThrow(LlmAbortedError);
  });

  it('is disposed of unread when the call is aborted before it is there', async () => {
    const outcomes: unknown[] = [];
    const aborting = new AbortController();
    const { llm, fake } = await start([
      around(async (_call, next) => {
        const stream = next() as LlmStream;
        stream.onComplete((outcome) => void outcomes.push(outcome));
        aborting.abort();
        await Promise.resolve();
        return stream;
      }),
    ]);

    const { response } = llm.stream('Hi', { signal: aborting.signal });

    await expect(response).rejects.toThrow(LlmAbortedError);
    await Promise.resolve();
    expect(outcomes).toEqual([{ result: undefined }]);
    expect(fake.requests).toEqual([]);
  });

  it('is read through, and not passed, once an interceptor has begun to read it', async () => {
    const { llm } = await start([
      around((_call, next) => {
        const stream = next() as LlmStream;
        const reader = stream[Symbol.asyncIterator]();
        return { [Symbol.asyncIterator]: () => reader };
      }),
    ]);
    expect((await llm.stream('Hi').response).text).toBe('one two three');
  });
});
