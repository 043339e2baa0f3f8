import { BullmqJobQueue, type BullmqJobQueueOptions } from 'nestjs-llm-callbacks/bullmq';
import { describeJobQueue } from 'nestjs-llm-callbacks/testing';
import { describeJobStores, type JobStore } from '../../support/job-stores.js';
import { WorkingJobQueue } from '../../support/memory-job-queue.js';

const ATTEMPTS = 3;
const facts = { attempts: ATTEMPTS, remembersDone: true, timeoutMs: 20_000 };

describeJobQueue(() => new WorkingJobQueue(ATTEMPTS), {
  ...facts,
  title: 'The job queue of tests',
});

describeJobStores('On a server', (newStore) => {
  const stores = new WeakMap<BullmqJobQueue, JobStore>();
  const open = (store: JobStore, options: Partial<BullmqJobQueueOptions> = {}) => {
    const queue = new BullmqJobQueue({
      ...store.options,
      attempts: ATTEMPTS,
      backoffMs: 5,
      ...options,
    });
    stores.set(queue, store);
    return queue;
  };

  describeJobQueue(async () => open(await newStore()), {
    ...facts,
    title: 'BullmqJobQueue',
    peer: (queue) => open(stores.get(queue)!),
    dispose: (queue) => stores.get(queue)!.drop(),
  });
});
