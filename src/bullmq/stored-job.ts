import type { EventJson } from '../events/event.js';
import type { Job } from '../dispatch/background/job-queue.js';

/** A job's data as `bullmq` stores it. */
export interface StoredJob {
  readonly id: string;
  readonly handler: string;
  /** JSON in a string: PostgreSQL's JSON rejects characters that prompts may contain. */
  readonly event: string;
}

export function toStored({ id, handler, event }: Job): StoredJob {
  return { id, handler, event: JSON.stringify(event) };
}

/** @throws for data that no `BullmqJobQueue` has stored */
export function fromStored(stored: unknown): Job {
  const { id, handler, event } = (stored ?? {}) as Record<keyof StoredJob, unknown>;
  if (typeof id !== 'string' || typeof handler !== 'string' || typeof event !== 'string')
    throw new Error('This job was not added by a BullmqJobQueue.');
  return { id, handler, event: parse(event) };
}

function parse(text: string): EventJson {
  try {
    return JSON.parse(text) as EventJson;
  } catch {
    // The parser's message quotes the text.
    throw new Error('The event of this job is not JSON.');
  }
}

/** The id of the job in `bullmq`, which does not allow colons. */
export function storedId(id: string): string {
  return id.replaceAll('%', '%25').replaceAll(':', '%3A');
}
