import { getMaxListeners } from 'node:events';
import { describe, expect, it, jest } from '@jest/globals';
import { LlmAbortedError, LlmTimeoutError } from 'nestjs-llm-callbacks';
import { ask, errorOf, METHODS, silence, useBench, WIRES } from '../../support/wire/index.js';

const REASON = new Error('The user pressed Escape.');

/** A start handler that blocks its run until it is aborted. */
const waits = () => {
  let received!: () => void;
  const started = new Promise<void>((resolve) => (received = resolve));
  return {
    started,
    onLlmStart: () => {
      received();
      return new Promise<void>(() => {});
    },
  };
};

describe.each(WIRES)('An aborted call of $name', (wire) => {
  const bench = useBench(wire);

  function expectAborted(error: Error, cause: unknown): void {
    expect(error).toBeInstanceOf(LlmAbortedError);
    expect(error).toMatchObject({ name: 'AbortError', code: 'aborted', cause });
    expect(bench.recording.of('llm.error')).toMatchObject([{ error, aborted: true }]);
  }

  describe.each(METHODS)('by %s', (method) => {
    it('fails without a request when its signal was aborted before', async () => {
      expectAborted(
        await errorOf(ask(bench.llm, method, 'Hi', { signal: AbortSignal.abort(REASON) })),
        REASON,
      );
      expect(bench.recording.of('llm.error')[0]).toMatchObject({ text: '', cost: 0, attempts: [] });
      expect(bench.server.exchanges).toEqual([]);
    });

    it('fails without a request when its signal fires during a start handler', async () => {
      const aborter = new AbortController();
      const hook = waits();
      const call = errorOf(
        ask(bench.llm, method, 'Hi', { signal: aborter.signal, callbacks: [hook] }),
      );
      await hook.started;
      aborter.abort(REASON);
      expectAborted(await call, REASON);
      expect(bench.server.exchanges).toEqual([]);
    });

    it('fails and cancels its request when its signal fires before the answer', async () => {
      bench.server.answers(silence);
      const aborter = new AbortController();
      const call = errorOf(ask(bench.llm, method, 'Hi', { signal: aborter.signal }));
      const { aborted } = await bench.server.exchange(0);
      aborter.abort(REASON);
      expectAborted(await call, REASON);
      expect(bench.recording.of('llm.error')[0]!.attempts).toMatchObject([
        { provider: wire.provider, model: wire.model, error: { name: 'AbortError' } },
      ]);
      expect(await aborted).toBe(true);
    });

    it('fails with a timeout and cancels its request when it exceeds timeoutMs', async () => {
      bench.server.answers(silence);
      const error = await errorOf(ask(bench.llm, method, 'Hi', { timeoutMs: 500 }));
      expect(error).toBeInstanceOf(LlmTimeoutError);
      expect(error).toMatchObject({ name: 'LlmTimeoutError', code: 'timeout', retryable: true });
      expect(bench.recording.of('llm.error')).toMatchObject([{ error, aborted: false }]);
      expect(await (await bench.server.exchange(0)).aborted).toBe(true);
    });

    it('counts its start handlers towards timeoutMs', async () => {
      const error = await errorOf(
        ask(bench.llm, method, 'Hi', { timeoutMs: 30, callbacks: [waits()] }),
      );
      expect(error).toBeInstanceOf(LlmTimeoutError);
      expect(bench.recording.of('llm.error')).toMatchObject([{ durationMs: 0, attempts: [] }]);
      expect(bench.server.exchanges).toEqual([]);
    });

    it('can share a signal with many calls without a listener warning', async () => {
      const { signal } = new AbortController();
      await errorOf(ask(bench.llm, method, 'Hi', { signal }));
      expect(getMaxListeners(signal)).toBe(Infinity);
    });

    it('leaves no listener on its signal and no timer', async () => {
      bench.server.answers(silence);
      const aborter = new AbortController();
      const removed = jest.spyOn(aborter.signal, 'removeEventListener');
      const timers = () =>
        process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      const before = timers();
      const options = { signal: aborter.signal, timeoutMs: 2 ** 30 };
      const failed = errorOf(ask(bench.llm, method, 'Hi', options));
      aborter.abort(REASON);
      await failed;
      expect(removed).toHaveBeenCalledWith('abort', expect.any(Function));
      expect(timers()).toBe(before);
    });
  });
});
