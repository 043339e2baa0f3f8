import assert from 'node:assert/strict';
import { jobOf, type AddQueueTest, type Call } from './job-queue-bench.js';

/** Texts of prompts and answers that stores have trouble with: NUL, half a surrogate pair, quotes, length. */
const HOSTILE = `\u0000 \ud800 \u2028 😀 '"\\ {"a":1} ${'long '.repeat(20_000)}`;

export function testAdding(test: AddQueueTest, remembersDone: boolean): void {
  test('add', 'a job is processed as it was added, whatever its texts are', async (bench) => {
    const { event, ...rest } = jobOf('run-1:7/Über "audit"', 'Über "audit"', HOSTILE);
    const job = { ...rest, event: { ...event, usage: { list: [1, null, { a: true }] } } };
    await bench.start();
    await bench.queue.add(job);
    const { job: received } = await bench.called(job.id);
    assert.deepEqual(JSON.parse(JSON.stringify(received)), JSON.parse(JSON.stringify(job)));
  });

  test('add', 'a job that was added before start() is processed', async (bench) => {
    await bench.queue.add(jobOf('run:1/audit'));
    assert.equal(bench.calls.length, 0, 'Work was called before start().');
    await bench.start();
    await bench.called('run:1/audit');
  });

  test('add', 'a job whose id exists is ignored', async (bench) => {
    await Promise.all([
      bench.queue.add(jobOf('run:1/audit')),
      bench.queue.add(jobOf('run:1/audit')),
    ]);
    await bench.queue.add(jobOf('run:1/audit'));
    await bench.start();
    await bench.called('run:1/audit');
    await processed(bench.queue.add(jobOf('run:last/audit')), () => bench.called('run:last/audit'));
    await bench.quiet();
    assert.equal(bench.callsOf('run:1/audit').length, 1, 'The job was processed more than once.');
  });

  test(
    'add',
    'jobs with different ids are all processed, however alike they are',
    async (bench) => {
      const ids = ['a:b', 'a%3Ab', 'a/b', 'a b', 'A:b', 'ab'].map((name) => `run:1/${name}`);
      await bench.start();
      for (const id of ids) await bench.queue.add(jobOf(id));
      for (const id of ids) await bench.called(id);
    },
  );

  if (!remembersDone) return;
  test('add', 'a job that was done is ignored when it is added again', async (bench) => {
    await bench.start();
    await bench.queue.add(jobOf('run:1/audit'));
    await bench.called('run:1/audit');
    await processed(bench.queue.add(jobOf('run:2/audit')), () => bench.called('run:2/audit'));
    await bench.queue.add(jobOf('run:1/audit'));
    await processed(bench.queue.add(jobOf('run:last/audit')), () => bench.called('run:last/audit'));
    await bench.quiet();
    assert.equal(bench.callsOf('run:1/audit').length, 1, 'The job was processed again.');
  });
}

export function testWork(test: AddQueueTest): void {
  test('start', 'the first attempt has the number 1, and a live signal', async (bench) => {
    await bench.start();
    await bench.queue.add(jobOf('run:1/audit'));
    const { attempt, signal } = await bench.called('run:1/audit');
    assert.equal(attempt, 1);
    assert.ok(signal instanceof AbortSignal, '`signal` must be an AbortSignal.');
    assert.equal(signal.aborted, false, 'The signal fires only when the job is given up.');
  });

  test('start', 'a job whose work resolves is done', async (bench) => {
    await bench.start();
    await bench.queue.add(jobOf('run:1/audit'));
    await bench.called('run:1/audit');
    await processed(bench.queue.add(jobOf('run:last/audit')), () => bench.called('run:last/audit'));
    await bench.quiet();
    assert.equal(bench.callsOf('run:1/audit').length, 1, 'The job was processed again.');
  });
}

export function testFailures(test: AddQueueTest, attempts: number): void {
  test(
    'start',
    `a job whose work rejects is tried ${attempts} times, and no more`,
    async (bench) => {
      await bench.start(bench.queue, failing('run:1/audit'));
      await bench.queue.add(jobOf('run:1/audit'));
      await bench.called('run:1/audit', attempts);
      await processed(bench.queue.add(jobOf('run:last/audit')), () =>
        bench.called('run:last/audit'),
      );
      await bench.quiet();
      const numbers = bench.callsOf('run:1/audit').map(({ attempt }) => attempt);
      assert.deepEqual(
        numbers,
        Array.from({ length: attempts }, (_, i) => i + 1),
      );
    },
  );

  test(
    'start',
    '`final` is true for the last attempt only, or undefined for all',
    async (bench) => {
      await bench.start(bench.queue, failing('run:1/audit'));
      await bench.queue.add(jobOf('run:1/audit'));
      await bench.called('run:1/audit', attempts);
      const finals = bench.callsOf('run:1/audit').map(({ final }) => final);
      if (finals.every((final) => final === undefined)) return;
      assert.deepEqual(
        finals,
        finals.map((_, i) => i === attempts - 1),
      );
    },
  );

  if (attempts < 2) return;
  test('start', 'a job that failed and then resolves is done', async (bench) => {
    await bench.start(bench.queue, ({ job, attempt }) => {
      if (job.id === 'run:1/audit' && attempt === 1) throw new Error('The first attempt fails.');
    });
    await bench.queue.add(jobOf('run:1/audit'));
    await bench.called('run:1/audit', 2);
    await processed(bench.queue.add(jobOf('run:last/audit')), () => bench.called('run:last/audit'));
    await bench.quiet();
    assert.equal(bench.callsOf('run:1/audit').length, 2, 'The job was processed again.');
  });
}

export function testShutdown(test: AddQueueTest): void {
  test('pause', 'no job is taken after it, and active jobs continue', async (bench) => {
    if (bench.queue.pause === undefined) return;
    const held = bench.hold();
    await bench.start(bench.queue, () => held.promise);
    await bench.queue.add(jobOf('run:active/audit'));
    const { signal } = await bench.called('run:active/audit');
    await bench.queue.pause();
    for (let i = 0; i < 5; i++) await bench.queue.add(jobOf(`run:late-${i}/audit`));
    await bench.quiet();
    assert.equal(signal.aborted, false, 'The active job was given up.');
    held.release();
    await bench.quiet();
    assert.deepEqual(
      bench.calls.map(({ job }) => job.id),
      ['run:active/audit'],
      'A job was taken after pause().',
    );
  });

  test('close', 'settles when the active jobs have settled', async (bench) => {
    const held = bench.hold();
    await bench.start(bench.queue, () => held.promise);
    await bench.queue.add(jobOf('run:1/audit'));
    await bench.called('run:1/audit');
    const closed = bench.closeQueue();
    await bench.stillPending(closed, 'close() settled before the active job.');
    held.release();
    await closed;
  });

  test('close', 'settles within `withinMs`, also while a job is active', async (bench) => {
    const held = bench.hold();
    await bench.start(bench.queue, () => held.promise);
    await bench.queue.add(jobOf('run:1/audit'));
    await bench.called('run:1/audit');
    await bench.closeQueue(bench.queue, 50);
  });

  test('close', 'settles for a queue that was not started', async (bench) => {
    await bench.closeQueue();
  });
}

export function testPeers(test: AddQueueTest): void {
  test('add', 'the jobs of a closed queue are processed by another one', async (bench) => {
    for (const id of ['run:1/audit', 'run:2/audit', 'run:3/audit'])
      await bench.queue.add(jobOf(id));
    const peer = await bench.peer();
    await bench.closeQueue();
    await bench.start(peer);
    for (const id of ['run:1/audit', 'run:2/audit', 'run:3/audit']) await bench.called(id);
  });

  test('add', 'a job whose id exists is ignored, whichever queue added it', async (bench) => {
    const peer = await bench.peer();
    await Promise.all([bench.queue.add(jobOf('run:1/audit')), peer.add(jobOf('run:1/audit'))]);
    await bench.start();
    await bench.start(peer);
    await bench.called('run:1/audit');
    await processed(peer.add(jobOf('run:last/audit')), () => bench.called('run:last/audit'));
    await bench.quiet();
    assert.equal(bench.callsOf('run:1/audit').length, 1, 'The job was processed more than once.');
  });

  test('start', 'a job is processed by one of several queues', async (bench) => {
    const peer = await bench.peer();
    await bench.start();
    await bench.start(peer);
    const ids = Array.from({ length: 20 }, (_, i) => `run:${i}/audit`);
    await Promise.all(ids.map((id, i) => (i % 2 ? peer : bench.queue).add(jobOf(id))));
    for (const id of ids) await bench.called(id);
    await bench.quiet();
    assert.equal(bench.calls.length, ids.length, 'A job was processed by both.');
  });

  test('pause', 'jobs that are not taken are left to other queues', async (bench) => {
    if (bench.queue.pause === undefined) return;
    await bench.start();
    await bench.queue.pause();
    await bench.queue.add(jobOf('run:1/audit'));
    const peer = await bench.peer();
    await bench.start(peer);
    const { queue } = await bench.called('run:1/audit');
    assert.equal(queue, peer);
  });

  test('pause', 'a job that fails after it is left to other queues', async (bench) => {
    if (bench.queue.pause === undefined) return;
    const held = bench.hold();
    await bench.start(bench.queue, () => held.promise);
    await bench.queue.add(jobOf('run:1/audit'));
    await bench.called('run:1/audit');
    await bench.queue.pause();
    // As shutdown does at its deadline.
    held.fail(new Error('The application shuts down.'));
    await bench.closeQueue();
    const peer = await bench.peer();
    await bench.start(peer);
    const { queue } = await bench.called('run:1/audit', 2);
    assert.equal(queue, peer);
  });
}

function failing(id: string) {
  return ({ job }: Call): void => {
    if (job.id === id) throw new Error('The work of this job fails.');
  };
}

/** Waits for a job that follows another one, which has then been settled too. */
async function processed(added: Promise<void>, called: () => Promise<unknown>): Promise<void> {
  await added;
  await called();
}
