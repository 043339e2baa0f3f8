import { randomUUID } from 'node:crypto';
import { BullmqJobQueue } from 'nestjs-llm-callbacks/bullmq';
import { RedisLimitStore } from 'nestjs-llm-callbacks/redis';
import { describeJobQueue, describeLimitStore } from 'nestjs-llm-callbacks/testing';

export function conformance(url: string, dropKeys: (prefix: string) => Promise<void>) {
  // #region store
  const prefixes = new WeakMap<RedisLimitStore, string>();
  const openStore = (prefix = `test:${randomUUID()}:`) => {
    const store = new RedisLimitStore({ url, prefix });
    prefixes.set(store, prefix);
    return store;
  };

  describeLimitStore(() => openStore(), {
    title: 'The store of our budgets',
    peer: (store) => openStore(prefixes.get(store)), // another process
    durable: true,
    dispose: (store) => dropKeys(prefixes.get(store)!),
  });
  // #endregion

  // #region queue
  const queues = new WeakMap<BullmqJobQueue, string>();
  const openQueue = (prefix = `test-${randomUUID()}`) => {
    const queue = new BullmqJobQueue({ connection: url, prefix, attempts: 2, backoffMs: 10 });
    queues.set(queue, prefix);
    return queue;
  };

  describeJobQueue(() => openQueue(), {
    title: 'The queue of our handlers',
    peer: (queue) => openQueue(queues.get(queue)), // another process
    attempts: 2,
    remembersDone: true,
    dispose: (queue) => dropKeys(queues.get(queue)!),
  });
  // #endregion
}
