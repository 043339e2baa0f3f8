export { BullmqJobQueue, type DeadLetter } from './bullmq-job-queue.js';
export type { BullmqJobQueueOptions } from './options.js';
