import { describe, expect, it } from '@jest/globals';
import type { Job, JobQueue, JobTry, JobWork } from 'nestjs-llm-callbacks';
import { describeJobQueue, type JobQueueKitOptions } from 'nestjs-llm-callbacks/testing';
import { runKit } from '../../support/kit-runner.js';
import { WorkingJobQueue } from '../../support/memory-job-queue.js';

const ATTEMPTS = 2;
const facts = { attempts: ATTEMPTS, remembersDone: true, timeoutMs: 200 };

/** A queue whose calls of work differ. */
const working = (change: (work: JobWork) => JobWork) =>
  class extends WorkingJobQueue {
    override start(work: JobWork): Promise<void> {
      return super.start(change(work));
    }
  };
const trying = (change: (attempt: JobTry) => object) =>
  working((work) => (job, attempt) => work(job, { ...attempt, ...change(attempt) }));

const BROKEN: [what: string, queue: new (attempts: number) => JobQueue, rules: string[]][] = [
  [
    'loses characters',
    class extends WorkingJobQueue {
      override add(job: Job): Promise<void> {
        return super.add(JSON.parse(JSON.stringify(job).replaceAll('\\u0000', '')) as Job);
      }
    },
    ['add: a job is processed as it was added'],
  ],
  [
    'takes ids for URLs',
    class extends WorkingJobQueue {
      override add(job: Job): Promise<void> {
        return super.add({ ...job, id: decodeURIComponent(job.id) });
      }
    },
    ['add: jobs with different ids are all processed'],
  ],
  [
    'processes each job twice',
    working((work) => async (job, attempt) => {
      await work(job, attempt);
      await work(job, attempt);
    }),
    [
      'add: a job whose id exists is ignored',
      'add: a job that was done is ignored',
      'start: a job whose work resolves is done',
    ],
  ],
  [
    'takes failures for successes',
    working((work) => async (job, attempt) => {
      await work(job, attempt).catch(() => undefined);
    }),
    ['start: a job whose work rejects is tried 2 times', 'start: a job that failed and then'],
  ],
  [
    'counts attempts from 0',
    trying(({ attempt }) => ({ attempt: attempt - 1 })),
    ['start: the first attempt has the number 1', 'start: a job whose work rejects'],
  ],
  [
    'has only last attempts',
    trying(() => ({ final: true })),
    ['start: `final` is true for the last attempt only'],
  ],
  [
    'has given up its jobs from the start',
    trying(() => ({ signal: AbortSignal.abort() })),
    ['start: the first attempt has the number 1, and a live signal'],
  ],
  [
    'does not pause',
    class extends WorkingJobQueue {
      override async pause(): Promise<void> {}
    },
    ['pause: no job is taken after it'],
  ],
  [
    'closes while jobs are active',
    class extends WorkingJobQueue {
      override close(): Promise<void> {
        return super.close(1);
      }
    },
    ['close: settles when the active jobs have settled'],
  ],
  [
    'waits for jobs forever when it closes',
    class extends WorkingJobQueue {
      override close(): Promise<void> {
        return super.close();
      }
    },
    ['close: settles within `withinMs`'],
  ],
];

const run = (make: () => JobQueue, options: JobQueueKitOptions) =>
  runKit((runner) => describeJobQueue(make, { runner, ...options }));

describe('describeJobQueue', () => {
  it.each(BROKEN)('finds a queue that %s', async (_, Queue, rules) => {
    const { failures } = await run(() => new Queue(ATTEMPTS), facts);

    const titles = failures.map(({ title }) => title);
    for (const rule of rules) expect(titles).toContainEqual(expect.stringContaining(rule));
    for (const { error } of failures)
      expect(error.message).toMatch(/^JobQueue\.\w+: .*\n[^]*The rule is documented at JobQueue\./);
  });

  it('finds queues that do not see the jobs of each other', async () => {
    const { failures } = await run(() => new WorkingJobQueue(ATTEMPTS), {
      timeoutMs: 200,
      peer: () => new WorkingJobQueue(ATTEMPTS),
    });

    expect(failures.map(({ title }) => title)).toEqual([
      'add: the jobs of a closed queue are processed by another one',
      'add: a job whose id exists is ignored, whichever queue added it',
      'pause: jobs that are not taken are left to other queues',
      'pause: a job that fails after it is left to other queues',
    ]);
  });

  it('tests failures, memory and sharing only where they are declared', async () => {
    const { titles, failures } = await run(() => new WorkingJobQueue(1), { timeoutMs: 20_000 });

    expect(failures).toEqual([]);
    expect(titles.join()).not.toMatch(/rejects|was done|another one|other queues/);
  });
});
