import assert from 'node:assert/strict';
import { CallbackAbort } from '../../index.js';
import { assertOrigin, assertRefused, assertUsage, isOfBudget } from './observed-assertions.js';
import type { AddObservedTest } from './observed-bench.js';
import { ANSWER_METHODS, rejection } from './provider-bench.js';

const PIECES = ['One ', 'two ', 'three'];
const TEXT = PIECES.join('');
/** Calls at the same time. */
const MANY = 5;

export function testObservedAnswers(test: AddObservedTest): void {
  for (const method of ANSWER_METHODS) {
    test(method, 'a call is one run, with text, usage and origin', async (bench) => {
      bench.answer(method, { text: PIECES });
      assert.equal(await bench.call(method), TEXT);
      const end = await bench.end('llm.end');
      assert.equal(end.text, TEXT);
      assert.equal(end.finishReason, 'stop');
      assertUsage(bench, end.usage);
      assertOrigin(bench);
      const [start] = bench.recording.of('llm.start');
      assert.equal(start?.streaming, method === 'stream');
      assert.equal(start?.model, bench.model);
      assert.equal(bench.server.requests.length, 1, 'One call must be one request.');
    });

    test(method, 'end handlers are awaited before the caller has the end', async (bench) => {
      let handled = false;
      bench.callbacks.on('llm.end', async () => {
        await bench.quiet();
        handled = true;
      });
      bench.answer(method);
      await bench.call(method);
      assert.ok(handled, 'The caller has the end, but an end handler is still at work.');
    });

    test(method, 'calls at the same time are runs that each end once', async (bench) => {
      for (let i = 0; i < MANY; i++) bench.answer(method);
      await Promise.all(Array.from({ length: MANY }, () => bench.call(method)));
      await bench.settled();
      for (const type of ['llm.start', 'llm.end'] as const)
        assert.equal(bench.recording.of(type).length, MANY, `Each call needs one ${type}.`);
    });
  }

  test('stream', 'a chunk event comes before the reader has the text', async (bench) => {
    bench.answer('stream', { text: PIECES });
    const reader = bench.reader();
    let read = '';
    for (let piece = await reader.next(); piece !== undefined; piece = await reader.next()) {
      read += piece;
      const sent = bench.recording.of('llm.chunk').map(({ chunk }) => chunk);
      const text = sent.map((chunk) => (chunk.type === 'text' ? chunk.text : '')).join('');
      assert.ok(text.startsWith(read), `The reader has "${read}", the handlers have "${text}".`);
    }
    assert.equal(read, TEXT);
  });

  test('stream', 'a reader that leaves ends the run as cancelled', async (bench) => {
    bench.answer('stream', { text: PIECES, ending: 'stall' });
    const reader = bench.reader();
    assert.notEqual(await reader.next(), undefined, 'The stream yields no text.');
    await reader.leave();
    await bench.aborted();
    assert.equal((await bench.end('llm.end')).finishReason, 'cancelled');
  });
}

export function testObservedFailures(test: AddObservedTest): void {
  for (const method of ANSWER_METHODS) {
    test(method, 'an error of the server is one llm.error, and fails the call', async (bench) => {
      bench.fail('authentication');
      await rejection(bench.call(method));
      const { error, aborted } = await bench.end('llm.error');
      assert.equal((error as { code?: unknown }).code, 'authentication');
      assert.equal(aborted, false);
    });

    test(method, 'an abort before the answer ends the run as aborted', async (bench) => {
      bench.silence(method);
      const aborter = new AbortController();
      const failing = rejection(bench.call(method, aborter.signal));
      await Promise.race([bench.received(), failing]);
      aborter.abort();
      await failing;
      await bench.aborted();
      assert.equal((await bench.end('llm.error')).aborted, true);
    });
  }

  test('stream', 'an abort while the reader waits ends the run as aborted', async (bench) => {
    bench.answer('stream', { text: PIECES, ending: 'stall' });
    const aborter = new AbortController();
    const reader = bench.reader(aborter.signal);
    let text = '';
    while (text !== TEXT) {
      const piece = await reader.next();
      assert.notEqual(piece, undefined, 'The stream does not yield all of its text.');
      text += piece;
    }
    // Some clients end an aborted stream, others fail it.
    const ended = reader.next().catch(() => undefined);
    await new Promise(setImmediate);
    aborter.abort();
    await ended;
    await bench.aborted();
    assert.equal((await bench.end('llm.error')).aborted, true);
  });
}

export function testObservedGates(test: AddObservedTest): void {
  for (const method of ANSWER_METHODS) {
    test(
      method,
      'a critical start handler refuses the call before a request is sent',
      async (bench) => {
        const refusal = new CallbackAbort('Not today.');
        const refuse = () => {
          throw refusal;
        };
        bench.callbacks.on('llm.start', refuse, { critical: true });
        await assertRefused(bench, method, (cause) => cause === refusal);
        assert.equal(bench.server.requests.length, 0, 'A request was sent.');
        assert.equal((await bench.end('llm.error')).error, refusal);
      },
    );

    test(
      method,
      'a CostLimiter that is spent refuses the call before a request is sent',
      async (bench) => {
        const before = await bench.spendAll(method);
        await assertRefused(bench, method, isOfBudget);
        assert.equal(bench.server.requests.length, before, 'A request was sent.');
      },
    );
  }
}

export function testObservedPlaces(test: AddObservedTest): void {
  for (const method of ANSWER_METHODS) {
    test(method, 'a run is nested in the chain that calls', async (bench) => {
      bench.answer(method);
      await bench.callbacks.chain('kit', undefined, () => bench.call(method));
      const [chain] = bench.recording.of('chain.start');
      const { parentRunId, traceId } = await bench.end('llm.end');
      assert.equal(parentRunId, chain?.runId);
      assert.equal(traceId, chain?.traceId);
    });

    test(method, 'the context of callbacks.run() is on all events', async (bench) => {
      bench.answer(method);
      const context = { userId: 'KIT-USER', tags: ['kit-tag'] };
      await bench.callbacks.run(context, () => bench.call(method));
      await bench.end('llm.end');
      for (const { type, userId, tags } of bench.recording.events) {
        assert.equal(userId, 'KIT-USER', `${type} lacks the user.`);
        assert.ok(tags.includes('kit-tag'), `${type} lacks the tag.`);
      }
    });
  }
}
