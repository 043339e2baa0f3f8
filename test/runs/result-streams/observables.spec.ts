import { afterEach, describe, expect, it } from '@jest/globals';
import { lastValueFrom, NEVER, Observable, of, Subject, throwError, toArray } from 'rxjs';
import { closeApps } from '../../support/app.js';
import { errorOf } from '../../support/wire/index.js';
import { ASKED, ENDED, FAILED, macrotask, startWork } from '../../support/chains.js';

afterEach(closeApps);

describe('A chain that returns an Observable', () => {
  it('ends when its first subscription completes, with the emitted values as result', async () => {
    const { work, types } = await startWork();
    const numbers = work.give(of(1, 2));
    expect(types()).toEqual(['chain.start']);
    const seen: unknown[] = [];
    numbers.subscribe({ next: (value) => seen.push(value), complete: () => seen.push(types()) });
    // A synchronous Observable stays synchronous.
    expect(seen).toEqual([1, 2, ENDED]);
    expect(await lastValueFrom(numbers.pipe(toArray()))).toEqual([1, 2]);
    expect(types()).toEqual(ENDED);
  });

  it('subscribes inside the run', async () => {
    const { work, llm, recording } = await startWork();
    const asked = new Observable<string>((subscriber) => {
      const generate = async () => {
        subscriber.next((await llm.generate('Hi')).text);
        subscriber.complete();
      };
      void generate();
    });
    expect(await lastValueFrom(work.give(asked))).toBe('Hello, world');
    expect(recording.tree()).toEqual([{ kind: 'chain', events: ENDED, children: [ASKED] }]);
  });

  it('ends with the first of its subscribers', async () => {
    const { work, types } = await startWork();
    const subject = new Subject<number>();
    const numbers = work.give(subject);
    const first = numbers.subscribe();
    numbers.subscribe().unsubscribe();
    await macrotask();
    expect(types()).toEqual(['chain.start']);
    first.unsubscribe();
    await macrotask();
    expect(types()).toEqual(ENDED);
  });

  it('ends when its subscriber unsubscribes', async () => {
    const { work, types } = await startWork();
    const subject = new Subject<number>();
    const subscription = work.give(subject).subscribe();
    expect(subject.observed).toBe(true);
    subscription.unsubscribe();
    expect(subject.observed).toBe(false);
    await macrotask();
    expect(types()).toEqual(ENDED);
  });

  it('fails with the error of the Observable', async () => {
    const { work, recording } = await startWork();
    const error = new Error('no');
    expect(await errorOf(lastValueFrom(work.give(throwError(() => error))))).toBe(error);
    expect(recording.of('chain.error')[0]!.error).toBe(error);
  });

  it('emits callback.error for a critical end handler that throws after its subscriber has unsubscribed', async () => {
    const { work, callbacks, types } = await startWork();
    callbacks.on('chain.end', async () => Promise.reject(new Error('no')), { critical: true });
    work.give(NEVER).subscribe().unsubscribe();
    await macrotask();
    expect(types()).toEqual([...ENDED, 'callback.error']);
  });

  it('does not complete before its start handlers, which can still reject the run', async () => {
    const { work, callbacks, types } = await startWork();
    const refusal = new Error('no');
    callbacks.on('chain.start', async () => Promise.reject(refusal), { critical: true });
    expect(await errorOf(lastValueFrom(work.give(of(1))))).toBe(refusal);
    expect(types()).toEqual(FAILED);
  });

  it('passes the error of a critical handler to its subscriber', async () => {
    const { work, callbacks, types } = await startWork();
    const refusal = new Error('no');
    const remove = callbacks.on('chain.end', async () => Promise.reject(refusal), {
      critical: true,
    });
    expect(await errorOf(lastValueFrom(work.give(of(1))))).toBe(refusal);
    remove();
    callbacks.on('chain.start', async () => Promise.reject(refusal), { critical: true });
    expect(await errorOf(lastValueFrom(work.give(NEVER)))).toBe(refusal);
    expect(types()).toEqual([...ENDED, ...FAILED]);
  });
});
