export { BullmqJobQueue, type DeadLetter } from './bullmq-job-queue.js';
export type { BullmqJobQueueOptions } from './bullmq-options.js';
